"""Plans as people and programs read them: the planner's estimates, and beside them what was measured.

``explain`` gives text, ``metrics_json`` the same as plain data. Knows nothing of terminals: no colour,
no width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from falconql.plan.estimates import NodeEstimate, estimate_nodes, estimate_rows, estimate_spending, rows_read
from falconql.plan.planner import Planned
from falconql.plan.prices import PriceTable, load_prices
from falconql.runtime.display import call_text, expr_text, quoted_name
from falconql.runtime.expression import CallRef, Expr
from falconql.runtime.metrics import OperatorMetrics, PredicateMetrics, RunMetrics
from falconql.runtime.ordering import estimate
from falconql.runtime.plan import (
    Aggregate,
    AggregateCall,
    AllOf,
    Each,
    Filter,
    Limit,
    Node,
    Plan,
    Predicate,
    Project,
    Scan,
    Sort,
    SortKey,
    Test,
    nodes,
    tests,
)

_DEFAULT_ROWS = 1000


def explain(
    planned: Planned, metrics: RunMetrics | None = None, *, rules: bool = False, prices: PriceTable | None = None
) -> str:
    """Return a plan as a numbered tree with estimates, and measurements after a run.

    Args:
        planned: what ``plan_query`` returned.
        metrics: of a run of this plan, that ran to its end or not.
        rules: list what the optimiser did.
        prices: of large models; by default ``load_prices()``.

    Raises:
        ConfigError: the price table named in the environment is wrong.
    """
    rows = planned.estimated.rows if metrics is None else metrics.rows_in
    lines = list(_tree_lines(planned, metrics, _DEFAULT_ROWS if rows is None else rows))
    if rows is None:
        lines.append(f"estimates are for {_DEFAULT_ROWS:,} rows: the number of rows is not known")
    lines += [f"note: {note}" for note in planned.notes]
    lines += ["", *_call_lines(planned.plan)] if planned.plan.calls else []
    lines += ["", *_rule_lines(planned)] if rules else []
    lines += ["", *_cost_lines(planned, metrics, prices or load_prices(), rows)] if planned.plan.calls else []
    return "\n".join(lines) + "\n"


def explain_json(
    planned: Planned, metrics: RunMetrics | None = None, *, prices: PriceTable | None = None
) -> dict[str, Any]:
    """Return what ``explain`` shows as plain data: ``metrics_json`` with rules, notes and an LLM's costs.

    Raises:
        ConfigError: the price table named in the environment is wrong.
    """
    estimated = planned.estimated
    rows = estimated.rows if metrics is None else metrics.rows_in
    data = metrics_json(planned.plan, metrics, rows=rows)
    data["rules"] = [{"rule": firing.rule, "summary": firing.summary} for firing in planned.fired]
    data["notes"] = list(planned.notes)
    if planned.plan.calls and rows is not None:
        table = prices or load_prices()
        read, written = rows * estimated.llm_tokens_read, rows * estimated.llm_tokens_written
        costs = {price.model: round(price.cost_usd(read, written), 4) for price in table.prices}
        data["llm"] = {"tokens": round(read + written), "prices_as_of": table.as_of, "cost_usd": costs}
    return data


def metrics_json(plan: Plan, metrics: RunMetrics | None = None, *, rows: int | None = None) -> dict[str, Any]:
    """Return a plan and what a run of it measured as plain data, the fields as the manual names them.

    Without metrics the measured fields are null. ``rows`` is the size of the corpus that estimates are
    for, by default the rows that were read.
    """
    return {
        "plan": plan_tree(plan, metrics, rows=rows),
        "rows_in": None if metrics is None else metrics.rows_in,
        "rows_out": None if metrics is None else metrics.rows_out,
        "seconds": None if metrics is None else round(metrics.seconds, 6),
        "model_calls": None if metrics is None else metrics.model_calls,
        "model_tokens": None if metrics is None else metrics.model_tokens,
        "cache_hits": None if metrics is None else metrics.cache_hits,
        "calls_avoided": None if metrics is None else metrics.calls_avoided,
        "predicates": _predicates_json(plan, metrics),
    }


def plan_tree(plan: Plan, metrics: RunMetrics | None = None, *, rows: int | None = None) -> dict[str, Any]:
    """Return the nodes as nested plain data, each with its ``input``; ``rows`` as in ``metrics_json``."""
    measured = _measured(plan, metrics)
    size = metrics.rows_in if rows is None and metrics is not None else rows
    chain = list(nodes(plan.root))
    estimated: list[float | None] = [None] * len(chain)
    if size is not None:
        # What was measured is of the rows that were read already.
        read = float(size) if rows is None else rows_read(plan, float(size))
        estimated = [round(count, 1) for count in estimate_rows(plan, read)]
    tree: dict[str, Any] = {}
    for node, counted, expected in reversed(list(zip(chain, measured, estimated, strict=True))):
        described: dict[str, Any] = {"node": type(node).__name__, "details": _details(node, plan)}
        described["rows_estimated"] = expected
        if isinstance(node, Filter):
            described["predicate"] = _predicate_json(node.predicate)
        if counted is not None:
            described |= {
                "rows_in": counted.rows_in,
                "rows_out": counted.rows_out,
                "seconds": round(counted.seconds, 6),
            }
        tree = {**described, "input": tree or None}
    return tree


def _predicate_json(predicate: Predicate) -> dict[str, Any]:
    if isinstance(predicate, Test):
        return {"test": predicate.text, "cost_s": predicate.cost_s, "selectivity": predicate.selectivity}
    name = "and" if isinstance(predicate, AllOf) else "or"
    return {name: [_predicate_json(child) for child in predicate.children]}


def _predicates_json(plan: Plan, metrics: RunMetrics | None) -> list[dict[str, Any]]:
    """Return one entry per test, the scan's filter first, which is measured as a whole."""
    chain = list(nodes(plan.root))[::-1]
    entries = []
    scan = chain[0]
    if isinstance(scan, Scan) and scan.filter is not None:
        counted = _measured(plan, metrics)[-1]
        found = PredicateMetrics(expr_text(scan.filter, plan.calls), 0.0, scan.selectivity)
        if counted is not None:
            found.rows_in, found.rows_out, found.seconds = counted.rows_in, counted.rows_out, counted.seconds
        entries.append(found)
    planned = [test for node in chain if isinstance(node, Filter) for test in tests(node.predicate)]
    measured = metrics.predicates if metrics is not None else []
    unmeasured = [PredicateMetrics(test.text, test.cost_s, test.selectivity) for test in planned[len(measured) :]]
    return [_entry_json(entry) for entry in (*entries, *measured, *unmeasured)]


def _entry_json(entry: PredicateMetrics) -> dict[str, Any]:
    measured = entry.selectivity_measured
    return {
        "text": entry.text,
        "cost_s": entry.cost_s,
        "selectivity_estimated": round(entry.selectivity_estimated, 4),
        "selectivity_measured": None if measured is None else round(measured, 4),
        "rows_in": entry.rows_in,
        "rows_out": entry.rows_out,
        "calls": entry.calls,
    }


def _measured(plan: Plan, metrics: RunMetrics | None) -> list[OperatorMetrics | None]:
    """Return what was counted for each node from the root down; None where nothing was."""
    count = sum(1 for _ in nodes(plan.root))
    if metrics is None or len(metrics.operators) != count:
        return [None] * count
    return list(reversed(metrics.operators))


def _tree_lines(planned: Planned, metrics: RunMetrics | None, rows: int) -> Iterator[str]:
    plan = planned.plan
    chain = list(nodes(plan.root))
    estimates = estimate_nodes(plan, planned.estimated, rows_read(plan, float(rows)))
    measured = _measured(plan, metrics)
    predicates = iter(_by_filter(plan, metrics))
    by_node = {number: next(predicates) for number in reversed(range(len(chain))) if isinstance(chain[number], Filter)}
    for number, node in enumerate(chain):
        indent = "  " * number
        head = f"{number + 1:>2}  {indent}{type(node).__name__}"
        fields = _fields(node, plan, estimates[number], measured[number])
        yield f"{head}  {fields}".rstrip()
        if isinstance(node, Filter):
            yield from _predicate_lines(node.predicate, f"    {indent}    ", iter(by_node[number]))


def _fields(node: Node, plan: Plan, estimated: NodeEstimate, counted: OperatorMetrics | None) -> str:
    details = _details(node, plan)
    parts = [f"{name}={value}" for name, value in details.items()]
    parts.append(f"rows≈{_count(estimated.rows)}")
    if counted is None:
        parts += [f"seconds≈{_seconds(estimated.seconds)}"] if estimated.seconds >= 0.001 else []
        return "  ".join(parts)
    return "  ".join([*parts, f"| rows={counted.rows_out:,}  seconds={_seconds(counted.seconds)}"])


def _details(node: Node, plan: Plan) -> dict[str, str]:
    match node:
        case Scan(columns, condition):
            names = ", ".join(quoted_name(field.name) for field in columns)
            filtered = {} if condition is None else {"filter": expr_text(condition, plan.calls)}
            return {"columns": names, **filtered}
        case Filter(_, _, adaptive):
            return {"order": "adaptive" if adaptive else "as written"}
        case Each(_, name, value):
            in_full = call_text(plan.calls[value.index], plan.calls) if isinstance(value, CallRef) else None
            return {quoted_name(name): in_full or expr_text(value, plan.calls)}
        case Project(_, outputs):
            internal = _internal(plan)
            shown = [_output(output.name, expr_text(output.value, plan.calls, internal=internal)) for output in outputs]
            return {"columns": ", ".join(shown)}
        case Aggregate(_, keys, aggregates):
            shown = [_aggregate(call, plan) for call in aggregates]
            by = {"by": ", ".join(expr_text(key, plan.calls) for key in keys)} if keys else {}
            return {**by, "compute": ", ".join(shown)} if shown else by
        case Sort(_, keys_, limit):
            internal = _internal(plan)
            by = {"by": ", ".join(_key(key, plan, internal) for key in keys_)}
            return by if limit is None else {**by, "limit": f"{limit:,}"}
        case Limit(_, count):
            return {"count": f"{count:,}"}


def _internal(plan: Plan) -> dict[str, Expr | str]:
    """Return what the columns stand for that only the plan has."""
    internal: dict[str, Expr | str] = {}
    for node in nodes(plan.root):
        if isinstance(node, Aggregate):
            internal |= {f"$key{index}": key for index, key in enumerate(node.keys)}
            internal |= {f"$agg{index}": _aggregate(call, plan) for index, call in enumerate(node.aggregates)}
        elif isinstance(node, Project):
            internal |= {output.name: output.value for output in node.outputs if output.name.startswith("$")}
    return internal


def _aggregate(call: AggregateCall, plan: Plan) -> str:
    return f"{call.function}({'' if call.operand is None else expr_text(call.operand, plan.calls)})"


def _output(name: str, value: str) -> str:
    return value if value == quoted_name(name) or name.startswith("$") else f"{quoted_name(name)}: {value}"


def _key(key: SortKey, plan: Plan, internal: Mapping[str, Expr | str]) -> str:
    return expr_text(key.value, plan.calls, internal=internal) + (" desc" if key.descending else "")


def _by_filter(plan: Plan, metrics: RunMetrics | None) -> Iterator[list[PredicateMetrics | None]]:
    """Yield what was measured of the tests of each filter, the lowest filter first."""
    measured: list[PredicateMetrics] = [] if metrics is None else metrics.predicates
    start = 0
    for node in reversed(list(nodes(plan.root))):
        if isinstance(node, Filter):
            count = sum(1 for _ in tests(node.predicate))
            found = measured[start : start + count]
            yield [*found, *([None] * (count - len(found)))]
            start += count


def _predicate_lines(predicate: Predicate, indent: str, measured: Iterator[PredicateMetrics | None]) -> Iterator[str]:
    if isinstance(predicate, Test):
        line = f"{indent}{predicate.text}  cost={_seconds(predicate.cost_s)}  true≈{_share(predicate.selectivity)}"
        found = next(measured)
        yield line if found is None else f"{line}  {_found(found)}"
        return
    expected = estimate(predicate)
    name = "and" if isinstance(predicate, AllOf) else "or"
    yield f"{indent}{name}  cost={_seconds(expected.cost)}  true≈{_share(expected.selectivity)}"
    for child in predicate.children:
        yield from _predicate_lines(child, indent + "  ", measured)


def _found(found: PredicateMetrics) -> str:
    share = found.selectivity_measured
    if share is None:
        return "| not needed"
    return f"| cost={_seconds(found.cost_s)}  true={_share(share)}  rows={found.rows_in:,}  calls={found.calls:,}"


def _call_lines(plan: Plan) -> Iterator[str]:
    yield "model calls"
    for call in plan.calls:
        name = f"{quoted_name(call.name)} = " if call.name else ""
        yield f"    {name}{call_text(call, plan.calls)}"


def _rule_lines(planned: Planned) -> Iterator[str]:
    yield "rules"
    if not planned.fired:
        yield "    none changed anything"
    for firing in planned.fired:
        yield f"    {firing.rule}: {firing.summary}"
    for lost in planned.rejected:
        saved = f"{_seconds(lost.cost_s)} per row instead of {_seconds(lost.chosen_cost_s)}"
        yield f"    not chosen: the order as written, {saved}: {'; '.join(lost.tests)}"


def _cost_lines(planned: Planned, metrics: RunMetrics | None, prices: PriceTable, rows: int | None) -> Iterator[str]:
    estimated = planned.estimated
    count = _DEFAULT_ROWS if rows is None else rows
    if planned.plan.proxy.llm:
        yield _llm_line(planned, metrics, count, prices)
        return
    if metrics is None:
        read_rows = rows_read(planned.plan, float(count))
        seconds = sum(node.seconds for node in estimate_nodes(planned.plan, estimated, read_rows))
        some = f"{count:,}" if read_rows == count else f"some {_count(read_rows)} of {count:,}"
        yield f"on this machine: about {_seconds(seconds)} for {some} rows"
    else:
        done = f"{metrics.model_calls:,} model calls, {metrics.model_tokens:,} tokens"
        yield f"on this machine: {_seconds(metrics.seconds)}, {done}"
    read, written = count * estimated.llm_tokens_read, count * estimated.llm_tokens_written
    costs = ", ".join(f"${price.cost_usd(read, written):,.2f} {price.model}" for price in prices.prices)
    yield f"every text to an LLM: about {_count(read + written)} tokens, {costs} (prices of {prices.as_of})"


def _llm_line(planned: Planned, metrics: RunMetrics | None, rows: int, prices: PriceTable) -> str:
    """Return what a run on a language model asks, and what that costs where the table has the model's price."""
    model = planned.plan.proxy.name or "the language model"
    if metrics is not None:
        return f"asked {model}: {metrics.model_calls:,} calls, {metrics.model_tokens:,} tokens"
    spending = estimate_spending(planned.plan, planned.estimated, float(rows))
    tokens = _count(spending.tokens_read + spending.tokens_written)
    costs = [
        f", ${price.cost_usd(spending.tokens_read, spending.tokens_written):,.2f} (prices of {prices.as_of})"
        for price in prices.prices
        if price.model == model
    ]
    return f"asks {model}: about {_count(spending.calls)} calls, {tokens} tokens{''.join(costs)} for {rows:,} rows"


def _seconds(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g}{unit}"
    return f"{seconds / 1e-9:.3g}ns" if seconds > 0 else "0"


def _share(share: float) -> str:
    return f"{share:.2g}"


def _count(number: float) -> str:
    return f"{number:,.0f}"
