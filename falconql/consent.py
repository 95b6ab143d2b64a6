"""Nobody pays by mistake: before a run that asks a language model, its costs are estimated and agreed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from falconql.errors import ConfigError

if TYPE_CHECKING:
    from falconql.annotating.billing import Bill
    from falconql.plan.planner import Planned
    from falconql.runtime.io.base import TableSource
    from falconql.runtime.proxy.base import Proxy

Confirm = Callable[["Bill"], bool]
"""Told of what a run is going to ask and cost, it says whether to go on."""

_COUNTED_ROWS = 65_536


def agree(planned: Planned, source: TableSource, proxy: Proxy, confirm: Confirm | None) -> None:
    """Go on only with a run whose costs are small, or agreed to.

    Args:
        planned: the plan.
        source: the corpus; its rows are counted where their number is not known.
        proxy: what will be asked; only a language model costs anything.
        confirm: asked about every run; None agrees to what needs no consent.

    Raises:
        ConfigError: nobody agreed, or the price table or the limit is wrong.
        DataError: the corpus cannot be read.
    """
    from falconql.annotating.billing import CONFIRM, bill_for
    from falconql.annotating.proxy import LlmProxy
    from falconql.plan.estimates import estimate_spending

    if not isinstance(proxy, LlmProxy):
        return
    rows = source.rows
    if rows is None:
        rows = sum(batch.num_rows for batch in source.batches([], None, batch_rows=_COUNTED_ROWS))
    annotator = proxy.annotator
    spending = estimate_spending(planned.plan, planned.estimated, float(rows))
    bill = bill_for(spending, annotator.name, annotator.endpoint.url)
    if not (confirm(bill) if confirm is not None else not bill.needs_consent):
        raise ConfigError(
            f"nothing was asked, since nobody agreed to the costs: {bill}",
            hint=f"--yes (in Python `confirm=lambda bill: True`) agrees; {CONFIRM}=AMOUNT asks from that many dollars "
            "on; a `limit` or a cheaper condition asks less",
        )
