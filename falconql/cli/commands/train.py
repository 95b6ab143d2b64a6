"""``falconql train``: a proxy for a query, from annotated examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falconql.cli.consent import confirmation
from falconql.cli.options import PATH, CorpusCommand, Given, query_options, yes_option
from falconql.cli.output import check_beside, check_unread
from falconql.cli.terminal import say
from falconql.errors import DataError
from falconql.visible import visible

if TYPE_CHECKING:
    from falconql.specialise.annotating import ModelAnnotator
    from falconql.specialise.job import Drawn
    from falconql.specialise.measuring import Compared
    from falconql.specialise.run import Trained, Training
    from falconql.specialise.sampling import Estimate
    from falconql.specialise.task import Answer, Task
    from falconql.training.finetune import Epoch

Tell = Callable[[str], None]


@click.command("train", cls=CorpusCommand)
@query_options
@click.option("--name", required=True, help="The name of the new proxy.")
@click.option("--base", default="kestrel", show_default=True, help="The proxy to start from, by name or folder.")
@click.option(
    "--annotations",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="Answers by people: JSON lines, a table, or an export of Label Studio; may be repeated.",
)
@click.option("--annotator", metavar="MODEL", help="The language model that answers the rest; `none` for nobody.")
@click.option(
    "--budget",
    metavar="AMOUNT",
    help="Stop annotating at 2usd, 50000tokens or 300calls, all runs of this training together.",
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Questions to annotate per model call.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of everything that is drawn.")
@click.option("--export-tasks", type=PATH, metavar="FILE", help="Write tasks for Label Studio.")
@click.option("--restart", is_flag=True, help="Forget an unfinished training of this name; its answers are kept.")
@yes_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result.")
def command(
    given: Given,
    name: str,
    base: str,
    annotations: tuple[Path, ...],
    annotator: str | None,
    budget: str | None,
    sample: int | None,
    seed: int,
    export_tasks: Path | None,
    restart: bool,
    yes: bool,
    quiet: bool,
) -> None:
    """Train a proxy for a query: sample its questions, have them answered, learn, check, register.

    An interrupted training goes on where it was when the command is given again. Needs falconql[train].
    """
    from falconql.cli.entry import with_pandas
    from falconql.runtime.io.fingerprint import local_files
    from falconql.specialise.people import read_answers
    from falconql.specialise.run import Settings, Training

    asked = given.query()
    source, typed = asked.resolved(given.corpus)
    if export_tasks is not None:
        read = [*given.files, *local_files(source)]
        _check_export(export_tasks, read, annotations)
    training = Training(typed, asked.text, source, Settings(name, base, sample, seed, restart))
    for warning in training.warnings:
        say(f"warning: {warning}")
    people = {task: answer for path in annotations for task, answer in read_answers(path).items()}
    if annotations and not people and annotator in (None, "none"):
        # A model is sent texts where nobody but it is named, and not because people have not begun.
        files = ", ".join(str(path) for path in annotations)
        raise DataError(f"there is no answer in {files}", hint="--annotator MODEL has a language model answer")

    def tell(message: str) -> None:
        if not quiet:
            say(message)

    with training.job.alone():
        model = None if export_tasks else _annotator(annotator, budget, training, bool(people), tell, yes=yes)
        # Reading the corpus takes long; where that is done, all may be answered, too, and the server be gone.
        if model is not None and training.job.drawn() is None:
            model.find_server()
        # People who answer tasks that were drawn here answer for rows that these stand for.
        asks = export_tasks is not None or annotator not in (None, "none") or not people
        drawn = training.draw() if asks else training.job.drawn() or []
        if drawn:
            tell(_drawn(drawn))
        if export_tasks is not None:
            _export(export_tasks, drawn, people)
            return
        rows = training.annotate(drawn, people, model)
        if model is not None:
            tell(_usage(model))
        for warning in rows.warnings:
            say(f"warning: {warning}")
        annotators = [*(str(path) for path in annotations), *([] if model is None else [model.name])]
        with_pandas()
        trained = training.make(rows, annotators, lambda epoch: tell(_epoch(epoch)))
    _print(training, trained)


def _annotator(
    model: str | None, budget: str | None, training: Training, people: bool, tell: Tell, *, yes: bool
) -> ModelAnnotator | None:
    """Return what answers the questions that no person answered; None for nobody."""
    if model == "none" or (model is None and people):
        return None
    from falconql.specialise.annotating import ModelAnnotator

    return ModelAnnotator(
        model,
        training.job.answers,
        budget=budget,
        ledger=training.job.spent,
        confirm=confirmation(yes=yes),
        on_progress=_progress(tell),
    )


def _progress(tell: Tell) -> Callable[[int, int], None]:
    """Return what tells every tenth of the way."""
    told = 0

    def tenth(done: int, of: int) -> None:
        nonlocal told
        if done * 10 // of > told:
            told = done * 10 // of
            tell(f"{done:,} of {of:,} requests answered")

    return tenth


def _usage(model: ModelAnnotator) -> str:
    """Return what annotating took, in a line."""
    told, twice = f"{model.name}: {model.usage}", model.agreement
    if model.budget is not None and model.spent_earlier:
        told += f"; earlier runs spent {replace(model.budget, amount=model.spent_earlier)} of the {model.budget}"
    if twice.asked:
        told += f"; asked twice, {100 * twice.same / twice.asked:.0f} % of {twice.asked:,} answers stay"
    return told


def _drawn(drawn: Sequence[Drawn]) -> str:
    texts = len({each.task.text for each in drawn})
    return f"{len(drawn):,} questions about {texts:,} texts to answer"


def _check_export(path: Path, read: Sequence[str], annotations: Sequence[Path]) -> None:
    """Refuse to write tasks, and the labelling interface beside them, over anything but earlier ones.

    Raises:
        click.UsageError: a file that is there is another one, or there cannot be such a file.
        OutputError: the folder takes no new file.
    """
    from falconql.runtime.io.locate import locate
    from falconql.specialise.exporting import interface_of, is_export

    answered = [file for given in annotations for file in locate(str(given), None).paths]
    for file in (path, interface_of(path)):
        written = [("--export-tasks", str(file))]
        check_beside(str(file), "--export-tasks")
        check_unread(written, read)
        check_unread(written, answered, "--annotations")
    if path.suffix.lower() != ".json":
        raise click.BadParameter(f"{path}: let the name of the tasks end in .json", param_hint="--export-tasks")
    for file in (path, interface_of(path)):
        if not is_export(file):
            raise click.UsageError(
                f"--export-tasks would replace {file}, which it did not write: name another file, or move that one"
            )


def _export(path: Path, drawn: Sequence[Drawn], people: Mapping[Task, Answer]) -> None:
    """Write the questions that nobody answered yet, and the labelling interface beside them."""
    from falconql.specialise.exporting import interface_of, write_export

    tasks = list(dict.fromkeys(each.task for each in drawn if each.task not in people))
    if not tasks:
        asked = "every question has an answer" if drawn else "no question was drawn"
        say(f"0 tasks, since {asked}: nothing was written to {path}")
        return
    interface = interface_of(path)
    write_export(path, tasks)
    say(f"{len(tasks):,} tasks in {path}, the labelling interface of their project in {interface}")
    say("import both into Label Studio, export as JSON, and give that file with --annotations")


def _epoch(epoch: Epoch) -> str:
    said = "before training" if epoch.trained is None else f"epoch {epoch.number}: loss {epoch.trained:.3f}"
    if epoch.score is None:
        return said
    return f"{said}; held out: loss {epoch.held_out:.3f}, score {epoch.score:.2f}"


def _percent(of: Estimate) -> str:
    """Return an estimate in per cent with its 95 % interval."""
    return f"{100 * of.value:.0f} ({100 * of.low:.0f} to {100 * of.high:.0f})"


def _print(training: Training, trained: Trained) -> None:
    """Print the quality before and after, and how to use the proxy."""
    made = trained.made
    rows = [("call", "measured on", "F1 before", "F1 after", "true of the corpus")]
    for number, measured in made.measured.items():
        before, after = measured.before, measured.after
        # Some option of `choose` is right for every row.
        share = "" if training.typed.calls[number].kind == "choose" else _percent(after.positives)
        rows.append((_name(training, number), f"{after.rows:,}", _percent(before.f1), _percent(after.f1), share))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    click.echo("In per cent, with 95 % intervals.")
    for row in rows:
        click.echo(visible("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()))
    for number, measured in made.measured.items():
        if measured.worse:
            say(f"warning: {_worse(_name(training, number), measured, training.settings.base)}")
    if made.refused:
        say(f"kept as float32: {made.refused}")
    say(f"learned in {trained.seconds:.0f} s; {made.registered.name} is in {made.registered.folder}")
    click.echo(f'using "{made.registered.name}"')


def _name(training: Training, number: int) -> str:
    """Return what a call is known by in the query."""
    from falconql.runtime.display import call_text

    call = training.typed.calls[number]
    return call.name or call_text(call, training.typed.calls)


def _worse(name: str, measured: Compared, base: str) -> str:
    before, after = (f"{100 * each.f1.value:.0f}" for each in (measured.before, measured.after))
    return (
        f"`{name}` is answered plainly worse than before: F1 {after} instead of {before} on the same "
        f"{measured.after.rows:,} questions; have more texts annotated, or keep using {base}"
    )
