"""What must be the same for rows of an interrupted run to be of use."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from falconql.runtime.context import ExecContext
from falconql.runtime.io.fingerprint import fingerprint
from falconql.runtime.plan import Aggregate, Plan, Sort, nodes


@dataclass(frozen=True, slots=True)
class Identity:
    """Hashes of what the rows depend on: the query with its parameters, the corpus, the proxy; and of what made them.

    ``version`` is that of FalconQL: another one may read a corpus in other batches, or answer differently.
    """

    query: str
    corpus: str
    proxy: str
    version: str

    def changed_since(self, other: Identity) -> str | None:
        """Return what is not as it was, in words; None if all is."""
        names = {"query": "the query", "corpus": "the corpus", "proxy": "the proxy", "version": "FalconQL"}
        changed = [said for name, said in names.items() if getattr(self, name) != getattr(other, name)]
        return f"{' and '.join(changed)} {'have' if len(changed) > 1 else 'has'} changed" if changed else None


def identity_of(plan: Plan, ctx: ExecContext, schema: pa.Schema, version: str) -> Identity | None:
    """Return the identity of a run's rows; None where a run cannot go on in the middle, or need not.

    It cannot when the whole corpus must be read before the first row (``order by``, ``group by``), and it need
    not when no model is asked: reading again is as fast as finding out where to go on.

    Raises:
        DataError: the corpus cannot be read.
    """
    if not plan.calls or ctx.proxy is None or any(isinstance(node, Sort | Aggregate) for node in nodes(plan.root)):
        return None
    corpus = fingerprint(ctx.source)
    if corpus is None:
        return None
    described = f"{canonical(plan)}\0{schema.to_string(show_field_metadata=False)}"
    query = hashlib.blake2b(described.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return Identity(query, corpus, ctx.proxy.fingerprint, version)


def canonical(plan: Plan) -> str:
    """Return a plan without what the planner expects of it, tests in an order that does not depend on that."""
    return json.dumps(_reduced(json.loads(plan.to_json())), ensure_ascii=True, sort_keys=True)


def _reduced(data: Any) -> Any:
    if isinstance(data, list):
        return [_reduced(item) for item in data]
    if not isinstance(data, dict):
        return data
    node = data.get("node")
    kept = {key: _reduced(value) for key, value in data.items() if key not in _ignored(node)}
    if node in ("AllOf", "AnyOf"):
        kept["children"] = sorted(kept["children"], key=lambda child: json.dumps(child, sort_keys=True))
    return kept


def _ignored(node: Any) -> tuple[str, ...]:
    return {
        "Test": ("cost_s", "tokens", "selectivity", "text"),
        "Scan": ("selectivity",),
        "Filter": ("adaptive",),
        "ModelCall": ("name",),
        "Plan": ("source", "proxy"),
    }.get(node, ())


def as_json(identity: Identity) -> dict[str, str]:
    """Return an identity as it is written in a manifest."""
    return dataclasses.asdict(identity)


def from_json(data: Any) -> Identity | None:
    """Read an identity; None if it is none."""
    names = [field.name for field in dataclasses.fields(Identity)]
    if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in names):
        return None
    return Identity(**{name: data[name] for name in names})
