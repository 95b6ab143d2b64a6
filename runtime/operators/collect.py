"""The values of ``collect``: kept until the end, then laid out as one list per group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Collected:
    """Values with the keys of their groups.

    Args:
        keys: the names of the key columns; without keys everything is one group.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._names = list(keys)
        self._keys: list[pa.Table] = []
        self._values: list[pa.Array] = []

    def add(self, keys: pa.Table, values: pa.Array) -> None:
        """Take the values of a frame; ``keys`` has as many rows."""
        self._keys.append(keys)
        self._values.append(values)

    def drain(self) -> tuple[pa.Table, pa.Array]:
        """Return what ``add`` was given, as one, and forget it.

        Raises:
            ValueError: nothing was added.
        """
        keys, values = self._keys, self._values
        self._keys, self._values = [], []
        return pa.concat_tables(keys), pa.concat_arrays(values)

    def lists(self, type_: pa.DataType) -> pa.Array:
        """Return one list per group, groups as first seen, values as they came, nulls left out."""
        values = pa.concat_arrays(self._values)
        valid = pc.is_valid(values).to_numpy(zero_copy_only=False)
        positions = pa.array(np.arange(len(values)), mask=~valid)
        if not self._names:
            return _lists(positions, np.zeros(len(values), dtype=np.int64), 1, values, type_)
        rows = pa.concat_tables(self._keys).append_column("$row", positions)
        rows = rows.append_column("$first", pa.array(np.arange(len(values))))
        wanted = [("$first", "min"), ("$row", "list")]
        grouped = rows.group_by(self._names, use_threads=False).aggregate(wanted).sort_by("$first_min")
        per_group = grouped.column("$row_list").combine_chunks()
        owners = pc.list_parent_indices(per_group).to_numpy()
        return _lists(pc.list_flatten(per_group), owners, grouped.num_rows, values, type_)


def _lists(positions: pa.Array, owners: np.ndarray, count: int, values: pa.Array, type_: pa.DataType) -> pa.Array:
    """Return ``count`` lists of the values at ``positions`` (null: none), each in the list ``owners`` says."""
    present = pc.is_valid(positions).to_numpy(zero_copy_only=False)
    lengths = np.bincount(owners[present], minlength=count)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    taken = values.take(positions.drop_null())
    if taken.type != type_.value_type:
        taken = taken.cast(type_.value_type)
    return pa.ListArray.from_arrays(pa.array(offsets), taken, type=type_)
