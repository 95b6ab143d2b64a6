"""The editor: colours, completion, several lines, what is wrong while it is typed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from falconql.check.functions import FUNCTIONS
from falconql.cli.repl.alone import is_empty
from falconql.cli.repl.commands import COMMANDS, SETTINGS, unquoted
from falconql.cli.repl.completion import Known, candidates
from falconql.cli.repl.glance import breaks_off, glance
from falconql.cli.repl.opened import is_quick
from falconql.cli.repl.session import Session
from falconql.cli.repl.statements import history_path
from falconql.cli.terminal import say
from falconql.diagnostics.model import Diagnostic
from falconql.errors import FalconQLError
from falconql.llm.endpoint import shown_url
from falconql.runtime.io.address import may_stand_in_query, shown
from falconql.source import Source
from falconql.syntax import parse_tolerant
from falconql.syntax.keywords import keywords
from falconql.syntax.lexemes import lexemes

PROMPT = "falconql> "
MORE = "........> "
_PATH_COMMANDS = (".open ", ".save ", ".report ")
_STYLE = Style.from_dict(
    {
        "keyword": "bold ansiblue",
        "function": "ansicyan",
        "text": "ansigreen",
        "number": "ansimagenta",
        "comment": "ansibrightblack",
        "command": "bold",
        "wrong": "underline",
        "bottom-toolbar": "noreverse ansibrightblack",
        "bottom-toolbar.error": "noreverse ansired",
    }
)
_CLASSES = {
    "text": "text",
    "open_text": "text",
    "regex": "text",
    "number": "number",
    "parameter": "number",
    "comment": "comment",
    "foreign_comment": "comment",
}


def is_whole(text: str) -> bool:
    """Return whether Enter should run a text: a command, or a query that does not just break off.

    A query with a mistake in the middle is run, so that its message shows; so is anything behind an empty line.
    """
    stripped = text.strip()
    if is_empty(stripped) or stripped[0] in ".?" or stripped.endswith(";") or text.endswith("\n"):
        return True
    found = parse_tolerant(Source("<query>", text)).diagnostics
    return not any(breaks_off(diagnostic, text) for diagnostic in found)


def _is_command(text: str) -> bool:
    return text.lstrip().startswith((".", "?"))


class QueryLexer(Lexer):
    """Colours words by what they are, and underlines what is wrong."""

    def __init__(self, wrong: Callable[[str], Diagnostic | None]) -> None:
        self._wrong = wrong

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        text = document.text
        styles = [""] * len(text)
        if _is_command(text):
            begin = len(text) - len(text.lstrip())
            end = begin + len(text[begin:].split(" ", 1)[0])
            styles[begin:end] = ["class:command"] * (end - begin)
        else:
            self._paint(text, styles)
        lines: list[StyleAndTextTuples] = [[]]
        for char, style in zip(text, styles, strict=True):
            if char == "\n":
                lines.append([])
            else:
                lines[-1].append((style, char))
        return lambda number: lines[number] if number < len(lines) else []

    def _paint(self, text: str, styles: list[str]) -> None:
        words = frozenset(keywords().values())
        for word in lexemes(text):
            name = _CLASSES.get(word.kind, "")
            if word.kind == "word" and word.lower in words:
                name = "keyword"
            elif word.kind == "word" and word.lower in FUNCTIONS and text[word.end : word.end + 1] == "(":
                name = "function"
            if name:
                styles[word.start : word.end] = [f"class:{name}"] * len(word.text)
        diagnostic = self._wrong(text)
        if diagnostic is not None:
            span = diagnostic.primary.span
            for place in range(span.start, min(span.end, len(text))):
                styles[place] += " class:wrong"


class QueryCompleter(Completer):
    """Completes queries, commands and paths."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._paths = PathCompleter(expanduser=False)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor.lstrip()
        if before.startswith(_PATH_COMMANDS):
            path = before.split(" ", 1)[1]
            yield from self._paths.get_completions(Document(path), complete_event)
            return
        for found in candidates(before, known(self._session)):
            yield Completion(found.text, found.start - len(before), display_meta=found.kind)


def known(session: Session) -> Known:
    """Return the names a session knows."""
    _keep_up(session)
    columns = {field.name: str(field.type) for field in session.fields}
    return Known(columns, tuple(session.definitions), tuple(COMMANDS), SETTINGS)


def _keep_up(session: Session) -> None:
    if session.opened is None or not session.opened.has_changed() or not is_quick(session.opened.path):
        return
    # A corpus that cannot be read any more is taken for what it was.
    with suppress(FalconQLError, OSError):
        session.look_again()


def prompt_session(session: Session) -> PromptSession[str]:
    """Return an editor for the lines of a session."""

    @lru_cache(maxsize=8)
    def wrong_in(text: str, *given: object) -> Diagnostic | None:
        return glance(session, text)

    def wrong(text: str) -> Diagnostic | None:
        _keep_up(session)
        return wrong_in(text, session.opened, session.text, tuple(session.definitions.values()))

    def toolbar() -> StyleAndTextTuples:
        text = editor.default_buffer.text
        diagnostic = None if _is_command(text) else wrong(text)
        if diagnostic is not None:
            return [("class:bottom-toolbar.error", f" {diagnostic.message}")]
        kept = f" · {len(session.definitions)} defined" if session.definitions else ""
        corpus = "no corpus: .open FILE" if session.corpus is None else shown(session.corpus)
        return [("", f" {corpus} · {session.settings.proxy}{kept} · .help")]

    editor: PromptSession[str] = PromptSession(
        history=_history(),
        lexer=QueryLexer(wrong),
        completer=QueryCompleter(session),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory(),
        multiline=True,
        prompt_continuation=lambda width, number, wrapped: MORE[-width:] if width < len(MORE) else MORE,
        key_bindings=_keys(),
        bottom_toolbar=toolbar,
        style=_STYLE,
        enable_history_search=False,
        enable_suspend=True,
    )
    return editor


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_whole(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.newline()

    @keys.add("enter", filter=completion_is_selected)
    def _take(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline()

    return keys


def _history() -> History:
    """Return the history of this user; one that cannot be written is kept for this session only."""
    try:
        path = history_path()
    except FalconQLError:
        say("note: no history is kept, because the home folder is not known")
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Others on this machine need not read what somebody looks for.
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    except OSError as error:
        say(_not_kept(path, error))
        return InMemoryHistory()
    return _WithoutSecrets(str(path))


def _not_kept(path: object, error: OSError) -> str:
    return f"note: no history is kept, {path} cannot be written: {error.strerror}"


class _WithoutSecrets(FileHistory):
    """A history in which no password stands: a line with an address that holds one is kept for this session only.

    Attributes:
        failure: why the file took a line no more, and none is offered to it from then on.
        told: the user knows of it.
    """

    failure: OSError | None = None
    told: bool = False

    def store_string(self, string: str) -> None:
        if self.failure is None and not _holds_secret(string):
            try:
                super().store_string(string)
            except OSError as error:
                # Not said here: the line is still on the screen, and the editor would write over the note.
                self.failure = error


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# Behind these stands one address to the end of the line, whatever is in it.
_COMMAND = re.compile(r"\s*\.(open|save|report|set\s+url)\s+(.+)", re.DOTALL)


def _holds_secret(line: str) -> bool:
    if command := _COMMAND.match(line):
        location = unquoted(command[2])
        return location != (shown_url(location) if command[1].startswith("set") else shown(location))
    return any(not may_stand_in_query(found) and found != shown(found) for found in _ADDRESS.findall(line))


def say_not_kept(editor: PromptSession[str]) -> None:
    """Say, once, that lines are kept for this session only from now on."""
    history = editor.history
    if isinstance(history, _WithoutSecrets) and history.failure is not None and not history.told:
        history.told = True
        say(_not_kept(history.filename, history.failure))
