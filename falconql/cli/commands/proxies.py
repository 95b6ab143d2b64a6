"""``falconql proxies``: which models there are, what one is, adding and removing one, making one of others' models."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falconql.cli.terminal import say, say_warning
from falconql.errors import ProxyError
from falconql.visible import in_one_line, json_text, visible

if TYPE_CHECKING:
    from falconql.runtime.proxy.manifest import Manifest


@click.group("proxies")
def command() -> None:
    """List, show, add and remove proxies, the models that answer label and span instructions."""


@command.command("list")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_command(format_: str) -> None:
    """List the proxies by name."""
    from falconql.runtime.proxy import list_proxies, show_proxy

    found, broken = [], []
    for proxy in list_proxies():
        try:
            found.append((proxy, show_proxy(str(proxy.folder))))
        except ProxyError as error:
            broken.append(f"{proxy.name} cannot be used: {error.message}")
    for problem in broken:
        say_warning(problem)
    if format_ == "json":
        shown = [
            {"name": p.name, "version": m.version, "shipped": p.shipped, "folder": str(p.folder)} for p, m in found
        ]
        click.echo(json_text(shown))
        return
    for proxy, manifest in found:
        where = "ships with FalconQL" if proxy.shipped else str(proxy.folder)
        click.echo(visible(in_one_line(f"{proxy.name}  {manifest.version}  {where}")))


@command.command("show")
@click.argument("name")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show_command(name: str, format_: str) -> None:
    """Show what the proxy NAME (or a folder) says of itself: licence, lineage, data, metrics."""
    from falconql.runtime.proxy import find_proxy, show_proxy

    manifest = show_proxy(name)
    described = _described(manifest) | {"folder": str(find_proxy(name))}
    try:
        if format_ == "json":
            shown = json_text(described)
        else:
            shown = "\n".join(f"{visible(key)}:{_lines(value)}" for key, value in described.items())
    except RecursionError:
        raise ProxyError(f"what {name} says of itself is nested too deeply to be shown") from None
    click.echo(shown)


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "max_tokens": manifest.max_tokens,
        "label_threshold": manifest.label_threshold,
        "span_threshold": manifest.span_threshold,
        "question_threshold": manifest.question_threshold,
        **manifest.card,
    }


def _lines(value: Any, indent: str = "  ") -> str:
    """Return plain data as indented text: one line for a scalar, one per member otherwise."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{visible(key)}:{_lines(member, indent + '  ')}" for key, member in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}-{_lines(member, indent + '  ')}" for member in value)
    return f" {visible(str(value))}" if value not in ({}, [], "") else " none"


@command.command("add")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="The name to register it under; by default the one in its proxy.json.")
@click.option("--replace", is_flag=True, help="Overwrite a proxy of that name.")
def add_command(path: Path, name: str | None, replace: bool) -> None:
    """Check the proxy folder PATH and register a copy of it."""
    from falconql.runtime.proxy import add_proxy

    added = add_proxy(path, name, replace=replace)
    say(f'added {added.name}; a query uses it with: using "{added.name}"')


@command.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Delete the proxy NAME. Answers that trained it, and answers that it gave, stay."""
    from falconql.runtime.proxy import remove_proxy

    say(f"deleted {remove_proxy(name)}")


@command.command("export")
@click.argument("source")
@click.option("--name", required=True, help="The name to register it under.")
@click.option(
    "--template",
    default="cuckoo",
    show_default=True,
    help="How it reads an instruction: cuckoo, pair, or a TOML file like training/templates.toml.",
)
@click.option("--int8", is_flag=True, help="Quantise it, unless that changes too much.")
@click.option("--replace", is_flag=True, help="Overwrite a proxy of that name.")
def export_command(source: str, name: str, template: str, int8: bool, replace: bool) -> None:
    """Make a proxy of SOURCE, a BIO token classifier: a folder, or a model on the Hugging Face hub.

    Needs falconql[train]. The model is checked against its ONNX form before it is registered.
    """
    from falconql.cli.entry import with_pandas
    from falconql.errors import ConfigError
    from falconql.runtime.proxy import add_proxy
    from falconql.runtime.proxy.registry import check_free

    check_free(name, replace=replace)  # before minutes of work under it
    with_pandas()
    try:
        from falconql.training.exporter import ExportError
        from falconql.training.huggingface import ForeignModelError, export_classifier, read_template
    except ImportError as error:
        hint = 'install it with `pip install "falconql[train]"`'
        raise ConfigError(f"making a proxy needs {error.name}, which is not installed", hint=hint) from error
    with tempfile.TemporaryDirectory() as folder:
        try:
            manifest = export_classifier(
                source, Path(folder) / "proxy", name=name, template=read_template(template), int8=int8
            )
        except (ForeignModelError, ExportError) as error:
            raise ProxyError(str(error)) from error
        added = add_proxy(Path(folder) / "proxy", name, replace=replace)
    difference = manifest["metrics"]["export"]["onnx_vs_torch_largest_logit_difference"]
    say(f"ONNX against torch: logits differ by {difference} at most")
    say(f'added {added.name}; a query uses it with: using "{added.name}"')


@command.command("half")
@click.argument("source")
@click.option("--name", required=True, help="The name to register it under.")
@click.option("--replace", is_flag=True, help="Overwrite a proxy of that name.")
def half_command(source: str, name: str, replace: bool) -> None:
    """Add to the proxy SOURCE (a name or a folder) a model in half precision, for CUDA.

    Needs falconql[train], but no GPU. Where ONNX Runtime has no CUDA, the new proxy runs as the old one does.
    """
    from falconql.errors import ConfigError
    from falconql.runtime.proxy import add_proxy, find_proxy
    from falconql.runtime.proxy.registry import check_free

    check_free(name, replace=replace)
    try:
        from falconql.training.half import add_half
    except ImportError as error:
        hint = 'install it with `pip install "falconql[train]"`'
        raise ConfigError(f"making a proxy needs {error.name}, which is not installed", hint=hint) from error
    with tempfile.TemporaryDirectory() as folder:
        manifest = add_half(find_proxy(source), Path(folder) / "proxy")
        added = add_proxy(Path(folder) / "proxy", name, replace=replace)
    moved = manifest["metrics"]["half"]["largest_probability_difference"]
    say(f"half precision moves a probability by {moved} at most")
    say(f'added {added.name}; a query uses it with: using "{added.name}"')
