"""The part of the language that answers an instruction over one corpus, as a grammar that cannot run on.

Made of the words of the whole language: its keywords, its names. What is left out cannot be written: files and
proxies, columns that the corpus does not have, comparisons that the types forbid, ``or`` and ``and`` mixed
without parentheses, endless lists, and whatever the frame rules out.
"""

from __future__ import annotations

from collections.abc import Sequence

from falconql.syntax.decoding.frame import MOST_CONDITIONS, MOST_ITEMS, Asked, Column, Frame, Shown, Step
from falconql.syntax.decoding.model import Chars, Grammar, Literal, Node, Repeat, Rule, choice, listed, optional, seq
from falconql.syntax.decoding.pieces import (
    MOST_CHOICES,
    all_of,
    any_of,
    column_tests,
    compared,
    line,
    parts_of_dates,
    plain,
    settled_test,
    slot_test,
    spaced,
    two,
    written,
)
from falconql.syntax.printer import name_text, quoted

MOST_BINDINGS = 3
MOST_KEYS = 3
MOST_ALTERNATIVES = 4
WORD_CHARACTERS = 24
TEXT_CHARACTERS = 100
NAME_CHARACTERS = 24
# In a question whose words are those of the instruction: on each side, letters of a small word and of an ending.
MOST_WORDS = 9
SHORT = 4
MOST_ENDING = 5
_YES_NO = tuple("Is Are Was Were Does Do Did Has Have Had Can Could Will Would Should".split())  # noqa: SIM905
_OPEN = tuple("Extract What Which Who Whom Whose When Where Why How To In From For At On By".split())  # noqa: SIM905
_TOKENS = frozenset(
    {"line", "var", "quoted", "number", "date", "positive", "asked", "question", "kind", "asked-step", "question-step"}
    | {"first"}
)


def narrow_grammar(columns: Sequence[Column], *, text: str | None, frame: Frame | None = None) -> Grammar:
    """Return the grammar of queries over a corpus.

    Args:
        columns: the columns that may be used.
        text: the column that model calls read when none is named.
        frame: what kinds of clauses there may be.

    Example:
        >>> from falconql.syntax.decoding import gbnf
        >>> grammar = narrow_grammar([Column("stars", "number")], text=None)
        >>> print(gbnf(grammar).splitlines()[0])
        root ::= query | refusal
    """
    return _Narrow(columns, text, frame or Frame()).grammar()


class _Narrow:
    def __init__(self, columns: Sequence[Column], text: str | None, frame: Frame) -> None:
        self.columns = columns
        self.tested = [column for column in columns if column.tested]
        self.shown = [Literal(name_text(column.name)) for column in columns if column.shown]
        self.text = text
        self.frame = frame
        # What is asked about a thing found first names it.
        self.step = frame.step if isinstance(frame.step, Step) and text is not None else None

    def grammar(self) -> Grammar:
        rules: dict[str, Node] = {"root": choice(Rule("query"), Rule("refusal"))}
        rules["line"] = Repeat(Chars((("\n", "\n"),), negated=True), 1, 2 * TEXT_CHARACTERS)
        rules["refusal"] = seq("-- cannot: ", Rule("line"))
        if self.frame.thinking:
            rules["root"] = choice(seq(Rule("thoughts"), Rule("query")), Rule("refusal"))
            step = optional(seq("-- step: ", Rule("line"), "\n"))
            rules["thoughts"] = seq("-- keep: ", Rule("line"), "\n", step, "-- give: ", Rule("line"), "\n")
        rules["var"] = seq(Chars((("a", "z"),)), Repeat(Chars((("a", "z"), ("_", "_"))), 0, NAME_CHARACTERS))
        rules["query"] = self._query()
        rules |= self._conditions()
        rules |= self._items()
        rules["item"] = self._item()
        most_keys = 1 if self.frame.sorted_by else 2
        rules["order"] = seq(written("ORDER"), " ", written("BY"), " ", listed(Rule("key"), most_keys))
        down = seq(" ", written("DESC"))
        way = {None: optional(down), True: down, False: seq("")}[self.frame.descending]
        rules["key"] = seq(self._sort_value(), way)
        rules["limit"] = seq(written("LIMIT"), " ", self._limit())
        rules["positive"] = seq(Chars((("1", "9"),)), Repeat(Chars((("0", "9"),)), 0, 3))
        certain = ", ".join(self.frame.groups)
        keys = Literal(certain) if certain else listed(self._group_key(), MOST_KEYS)
        rules["group"] = seq(written("GROUP"), " ", written("BY"), " ", keys)
        rules["aggregate"] = self._aggregate()
        rules |= self._texts()
        return Grammar(rules, frozenset(name for name in rules if _is_token(name))).reachable()

    def _limit(self) -> Node:
        return Rule("positive") if self.frame.limits is None else choice(*map(str, self.frame.limits))

    def _query(self) -> Node:
        """Return clauses with a line break between them and none at the end: a model stops where it likes."""
        if self.step is not None:
            return self._stepped(self.step)
        tail = self._tail()
        shown = seq(written("SELECT"), " ", Rule("items"))
        group = line(Rule("group"), before=False)
        grouped = {"must": seq(group, shown), "no": shown, "may": seq(optional(group), shown)}[self.frame.grouped]
        outputs: list[Node] = []
        if self.frame.shows != "no" or self.frame.counts == "must":
            outputs.append(grouped if self.frame.counts != "no" else shown)
        options: list[Node] = [] if self.frame.required else [seq(output, tail) for output in outputs]
        if self._can_filter():
            if self.frame.shows != "must" and self.frame.counts != "must":
                options.append(seq(Rule("where"), tail))
            # Where only the model can tell rows from outputs, questions are one or the other.
            undecided = self.frame.shows == "may" and self.frame.step is None
            where = Rule("where-columns") if undecided else Rule("where")
            if not undecided or self._tests() or self.frame.required:
                options += [seq(where, line(output), tail) for output in outputs]
        if self.frame.shows != "must" and not self.frame.required:
            all_rows = seq(written("SELECT"), " *")
            if self.frame.ordered != "no":
                options.append(seq(all_rows, line(Rule("order")), self._limited()))
            if self.frame.ordered != "must" and self.frame.limits is None:
                options.append(seq(all_rows, line(Rule("limit"))))
            elif self.frame.ordered != "must" and self.frame.limits:
                options.append(seq(all_rows, self._limited()))
        body = choice(*options) if options else seq(shown, tail)
        if self.frame.step != "any" or self.text is None:
            return body
        each = seq(written("EACH"), " ", Rule("var"), " ", written("IN"), " ", self._found("spans"))
        let = seq(written("LET"), " ", Rule("var"), " = ", choice(self._found("span"), Rule("label"), Rule("choose")))
        return seq(Repeat(seq(choice(each, let), "\n"), 0, MOST_BINDINGS), body)

    def _stepped(self, step: Step) -> Node:
        """Return a first step with what is asked about it."""
        value = seq("spans(" if step.kind == "each" else "span(", Rule("first"), ")")
        if step.kind == "each":
            first = seq(written("EACH"), f" {step.name} ", written("IN"), " ", value, "\n")
        else:
            first = seq(written("LET"), f" {step.name} = ", value, "\n")
        parts: list[Node] = [first]
        if step.further:
            parts.append(optional(seq(written("LET"), " ", Rule("var"), " = span(", Rule("asked-step"), ")\n")))
        plain = Repeat(seq(", ", choice(*self.shown)), 0, 2) if self.shown else seq("")
        asked = Repeat(seq(", ", Rule("item")), 0 if step.keeps != "no" else 1, MOST_ITEMS)
        keys = Repeat(seq(choice(*self.shown), ", "), 0, 2) if self.shown else seq("")
        select = seq(written("SELECT"), " ", keys, step.name, plain, asked, self._tail())
        if self.frame.counts == "may" and step.kind == "each":
            counted = seq(written("SELECT"), f" {step.name}, ", Rule("var"), ": count()", self._tail())
            select = choice(select, seq(written("GROUP"), " ", written("BY"), f" {step.name}\n", counted))
        where = line(Rule("where"), before=False)
        if step.keeps != "no":
            kept: list[Node] = [seq(where, select), Rule("where")]
            parts.append(choice(*kept, *([] if step.keeps == "must" else [select])))
        else:
            filtered = where if self.frame.required else optional(where)
            parts.append(seq(filtered, select) if self._can_filter() else select)
        return seq(*parts)

    def _tail(self) -> Node:
        order = line(Rule("order"))
        ordered = {"must": order, "may": optional(order), "no": seq("")}[self.frame.ordered]
        return seq(ordered, self._limited())

    def _limited(self) -> Node:
        limit = line(Rule("limit"))
        return optional(limit) if self.frame.limits is None else limit if self.frame.limits else seq("")

    def _asks(self) -> bool:
        return self.frame.asks and self.text is not None

    def _can_filter(self) -> bool:
        """Return whether a query may have conditions."""
        asks = self._asked() and (self.frame.questions[1] > 0 or self.step is not None)
        return bool(asks or self._tests() or self.frame.required or self._fixed_alternatives())

    def _conditions(self) -> dict[str, Node]:
        atoms = {"test": self._tests(), "ask": self._asked(), "atom": [*self._asked(), *self._tests()]}
        rules: dict[str, Node] = {name: choice(*options) for name, options in atoms.items() if options}
        if "atom" in rules:
            rules["term"] = seq(self._negation(), Rule("atom"))
        if not self._can_filter():
            return rules
        rules["where"] = seq(written("WHERE"), " ", Rule("condition"))
        fixed = self._fixed_alternatives()
        rules["alternatives"] = fixed or self._alternatives(Rule("atom"))
        together = self.frame.either == "must" and bool(
            self.frame.mixed or self.frame.unless or fixed or self.frame.required
        )
        together = together and bool(fixed or "atom" in rules)
        spent = (2 if together and not fixed else 0) + self.frame.unless
        bounds = (min(bound, MOST_CONDITIONS) for bound in self.frame.questions)
        least, most = (max(0, bound - spent) if self._asked() else 0 for bound in bounds)
        blocks: list[Node] = self._required()
        if self._asked() and not (blocks or together or self._tests()):
            most = max(most, 1)
        if self.frame.asked and self._asked():
            return rules | self._certain(blocks, rules)
        if together:
            blocks.append(Rule("alternatives"))
        if most or self._tests() or not blocks:
            others = self._conjunction(least, max(most, 0 if blocks else least), MOST_CONDITIONS, rules)
            condition = all_of([*blocks, others])
            if blocks and not least:
                condition = choice(condition, all_of(blocks))
        else:
            condition = all_of(blocks)
        if fixed and not (self.frame.mixed or self.frame.unless or self.frame.required):
            condition = choice(condition, Rule("either"))
            rules["either"] = self._fixed_alternatives(bare=True) or seq("")
        elif self.frame.either != "no" and not blocks and "atom" in rules:
            inner = seq("(", Rule("term"), Repeat(seq(spaced("AND"), Rule("term")), 1, MOST_ALTERNATIVES - 1), ")")
            option = choice(Rule("term"), inner)
            rules["either"] = seq(option, Repeat(seq(spaced("OR"), option), 1, MOST_ALTERNATIVES - 1))
            mixed = all_of([self._conjunction(0, most, MOST_CONDITIONS, rules), Rule("alternatives")])
            condition = choice(mixed if self.frame.either == "must" else condition, Rule("either"))
        if self.frame.unless and self._asked():
            condition = seq(condition, spaced("AND"), written("NOT"), " ", Rule("atom"))
        rules["condition"] = condition
        if self.tested:
            columns = [*self._required(), *([self._conjunction(0, 0, 2, rules)] if self._tests() else [])]
            rules["where-columns"] = seq(written("WHERE"), " ", all_of(columns))
        return rules

    def _certain(self, blocks: Sequence[Node], rules: dict[str, Node]) -> dict[str, Node]:
        """Return the rules of conditions all of whose questions are certain; others on columns may stand between."""
        groups: list[list[Node]] = []
        for number, asked in enumerate(self.frame.asked, 1):
            words = self._said("?", asked)
            rules[f"said-if-{number}"] = seq('"', choice(*(f"{word} " for word in _YES_NO)), words, '?"')
            no = self._negation() if asked.denied is None else seq(written("NOT"), " ") if asked.denied else seq("")
            question = seq(no, "label(", self._which(), Rule(f"said-if-{number}"), ")")
            if asked.joined and groups:
                groups[-1].append(question)
            else:
                groups.append([question])
        either = [any_of(group) for group in groups]
        # One alternative needs no parentheses where nothing else holds.
        bare = len(groups) == 1 and not blocks and not self._tests()
        questions = [e if len(g) == 1 or bare else seq("(", e, ")") for e, g in zip(either, groups, strict=True)]
        tests = [self._conjunction(0, 0, 2, rules)] if self._tests() else []
        sure = all_of([*blocks, *questions])
        rules["condition"] = choice(sure, all_of([*blocks, *tests, *questions])) if tests else sure
        if blocks or tests:
            columns = [all_of([*blocks, *tests])] if tests else []
            options = [*columns, *([all_of(blocks)] if blocks else [])]
            rules["where-columns"] = seq(written("WHERE"), " ", choice(*options))
        return rules

    def _required(self) -> list[Node]:
        """Return the conditions that there are in any case, in their order, so that none can be left out."""
        found: list[Node] = []
        for number, name in enumerate(self.frame.required):
            column = next(column for column in self.tested if column.name == name)
            place = self.frame.required[:number].count(name)
            slotted = [slot_test(column, slot) for slot in column.slots]
            test = slotted[place] if place < len(slotted) else choice(*column_tests(column, negated=self.frame.negated))
            if column.holds is not None:
                found.append(settled_test(column, column.holds))
            else:
                found.append(test if slotted else seq(self._negation(), test))
        return found

    def _fixed_alternatives(self, *, bare: bool = False) -> Node | None:
        """Return alternatives about certain columns, None where there are none."""
        by_name = {column.name: column_tests(column, negated=self.frame.negated) for column in self.tested}
        tests = [by_name.get(name, []) for name in self.frame.alternatives]
        if len(tests) < 2 or not all(tests):
            return None
        joined = seq(*(seq(spaced("OR") if number else "", choice(*test)) for number, test in enumerate(tests)))
        return joined if bare else seq("(", joined, ")")

    def _alternatives(self, atom: Node) -> Node:
        return seq("(", atom, Repeat(seq(spaced("OR"), atom), 1, MOST_ALTERNATIVES - 1), ")")

    def _negation(self) -> Node:
        return optional(seq(written("NOT"), " ")) if self.frame.negated else seq("")

    def _conjunction(self, least: int, most: int, terms: int, rules: dict[str, Node]) -> Node:
        """Return the rule of at most so many conjuncts, ``least`` to ``most`` of which are questions."""
        name = f"conjunction-{least}-{most}-{terms}"
        if name not in rules:
            rules[name] = seq("")  # is known while it is made
            options: list[Node] = []
            if self._tests() and least < terms:
                options.append(self._and_more(Rule("test"), least, most, terms - 1, rules))
            if self._asked() and most:
                options.append(self._and_more(Rule("ask"), max(0, least - 1), most - 1, terms - 1, rules))
            if self.frame.either == "may" and (most >= 2 or self._tests()):
                some = Rule("alternatives") if most >= 2 or not self._asked() else self._alternatives(Rule("test"))
                options.append(self._and_more(some, max(0, least - 2), max(0, most - 2), terms - 1, rules))
            rules[name] = choice(*options)
        return Rule(name)

    def _and_more(self, term: Node, least: int, most: int, terms: int, rules: dict[str, Node]) -> Node:
        term = seq(self._negation(), term)
        if terms == 0 or not (self._tests() or (most and self._asked())):
            return term
        more = seq(spaced("AND"), self._conjunction(least, most, terms, rules))
        return seq(term, more if least else optional(more))

    def _asked(self) -> list[Node]:
        """Return the conditions that the model answers."""
        atoms: list[Node] = []
        step_asks = self.step is not None and self.step.keeps != "no"
        if self.text is not None and (step_asks or (self._asks() and self.step is None)):
            atoms.append(Rule("label"))
        if self._asks() and self.step is None and self.frame.step == "any":
            atoms += [
                seq("exists(", Rule("var"), ")"),
                seq("number(", Rule("var"), ")", compared(), Rule("number")),
            ]
        return atoms

    def _tests(self) -> list[Node]:
        """Return the conditions on columns."""
        settled = {*self.frame.required, *self.frame.alternatives}
        tested = [column for column in self.tested if column.name not in settled]
        tests = [test for column in tested for test in column_tests(column, negated=self.frame.negated)]
        if self.frame.step == "any":
            tests += [seq(part, compared(), Rule("number")) for part in parts_of_dates(tested)]
        return tests

    def _items(self) -> dict[str, Node]:
        """Return the list of outputs, with a rule for every question that is certain."""
        certain = [seq(Rule("var"), f": {aggregate}") for aggregate in self.frame.aggregates]
        if certain and not self.frame.shares and self.step is None and self.frame.counts == "must":
            keys = [Literal(key) for key in self.frame.groups]
            if keys or self.frame.grouped == "no":
                return {"items": seq(*[part for item in (*keys, *certain) for part in (", ", item)][1:])}
        if not self.frame.listed or self.text is None:
            return {"items": listed(Rule("item"), self.frame.items)}
        rules: dict[str, Node] = {}
        items: list[Node] = []
        for number, shown in enumerate(self.frame.listed, 1):
            if shown.kind == "column":
                items.append(Literal(name_text(shown.column)))
                continue
            if shown.kind == "choice":
                options = "".join(f", {quoted(option)}" for option in shown.options)
                items.append(seq(Rule("var"), ": choose(", self._which(), Rule("kind"), options, ")"))
                continue
            starts, end = (_YES_NO, '?"') if shown.kind == "label" else (_OPEN, '"')
            rules[f"said-{number}"] = seq(
                '"',
                choice(*(f"{w} " for w in starts)),
                self._said("?" if shown.kind == "label" else "", shown),
                end,
            )
            several = {None: ("span", "spans"), True: ("spans",), False: ("span",)}[shown.several]
            functions = ("label",) if shown.kind == "label" else several
            question = seq(choice(*functions), "(", self._which(), Rule(f"said-{number}"), ")")
            items.append(seq(Rule("var"), ": ", question))
        joined = [part for item in items for part in (Literal(", "), item)][1:]
        named = {shown.column for shown in self.frame.listed}
        key = [column.name for column in self.columns[:1] if column.shown and column.name not in named]
        before = optional(f"{name_text(key[0])}, ") if key else seq("")
        return {"items": seq(before, *joined), **rules}

    def _item(self) -> Node:
        # A name alone could not be told from a column's: what has a value of its own is given one.
        values: list[Node] = []
        if self.frame.counts != "no" and self.step is None:
            values.append(Rule("aggregate"))
        plain: list[Node] = [*self.shown, *(Literal(key) for key in self.frame.groups if "(" in key)]
        if self.text is not None and self.frame.counts != "must" and not self.frame.plain:
            if self.frame.yes_no != "must":
                if self.step is not None or self.frame.several != "must":
                    values.append(self._found("span"))
                if self.step is None and self.frame.several != "no":
                    values.append(self._found("spans"))
            if self.frame.yes_no != "no":
                values.append(Rule("label"))
            if self.frame.choices:
                values.append(Rule("choose"))
            if self.frame.step == "any":
                values.append(seq("score(", Rule("var"), ")"))
                plain += [*parts_of_dates(self.columns), Rule("var")]
        named = [seq(Rule("var"), ": ", choice(*values))] if values else []
        if self.step is not None and named:
            plain = [Rule("var")] if self.step.further else []
        return choice(*plain, *named) if plain or named else choice(*(name_text(c.name) for c in self.columns))

    def _sort_value(self) -> Node:
        if self.frame.sorted_by:
            return choice(*map(name_text, self.frame.sorted_by))
        columns = [Literal(name_text(column.name)) for column in self.columns if column.kind in ("number", "date")]
        scored = [seq("score(", Rule("var"), ")")] if self.text is not None and self.frame.step == "any" else []
        parts = [Literal(key) for key in self.frame.groups if "(" in key]
        return choice(*columns, *parts, Rule("var"), *scored)

    def _group_key(self) -> Node:
        if self.frame.groups:
            return choice(*self.frame.groups)
        fitting = [c for c in self.columns if c.kind not in ("other", "list")]
        keys: list[Node] = [Literal(name_text(c.name)) for c in fitting if c.shown]
        keys = keys or [Literal(name_text(c.name)) for c in fitting]
        if self.frame.step == "any":
            keys += [*parts_of_dates(self.columns), Rule("var")]
        return choice(*keys)

    def _aggregate(self) -> Node:
        numbers = [Literal(name_text(column.name)) for column in self.columns if column.kind == "number"]
        ordered = [Literal(name_text(column.name)) for column in self.columns if column.kind in ("number", "date")]
        if self.frame.shares and (self._asked() or self._tests()):
            others = [Literal(aggregate) for aggregate in self.frame.aggregates]
            return choice(*others, seq("share(", Rule("term"), ")"))
        found: list[Node] = [Literal("count()")]
        if numbers:
            found.append(seq(choice("avg(", "sum("), choice(*numbers), ")"))
        if ordered:
            found.append(seq(choice("min(", "max("), choice(*ordered), ")"))
        if self._asked() or self._tests():
            found.append(seq("share(", Rule("term"), ")"))
        return choice(*found)

    def _found(self, function: str) -> Node:
        return seq(f"{function}(", self._which(), self._instruction("asked"), ")")

    def _instruction(self, kind: str) -> Node:
        if self.step is None:
            return Rule(kind)
        return Rule("question-step" if kind == "question" else "asked-step")

    def _which(self) -> Node:
        others = [f"{name_text(c.name)}, " for c in self.columns if c.question and c.name != self.text and c.shown]
        return optional(choice(*others)) if others and self.step is None else seq("")

    def _texts(self) -> dict[str, Node]:
        digits = Repeat(Chars((("0", "9"),)), 1, 9)
        pair = Repeat(Chars((("0", "9"),)), 2, 2)
        yes_no, open_ = choice(*(f"{word} " for word in _YES_NO)), choice(*(f"{word} " for word in _OPEN))
        rules: dict[str, Node] = {
            "question": seq('"', yes_no, self._free("?"), '?"'),
            "asked": seq('"', open_, self._free(), '"'),
            "quoted": seq('"', Repeat(plain(), 1, 2 * WORD_CHARACTERS), '"'),
            "label": seq("label(", self._which(), self._instruction("question"), ")"),
            "choose": seq("choose(", self._which(), self._instruction("kind"), self._options(), ")"),
            "kind": seq('"', open_, self._free(about=False), '"'),
            "number": seq(optional("-"), digits, optional(seq(".", Repeat(Chars((("0", "9"),)), 1, 4)))),
            "date": seq('"', choice("19", "20"), pair, "-", two("0", "1"), "-", two("0", "3"), '"'),
        }
        if self.step is not None:
            named = f"{{{self.step.name}}}"
            if self.step.further:
                named_or_var = choice(named, seq("{", Rule("var"), "}"))
                rules["asked-step"] = seq('"', open_, self._free(least=0), named_or_var, self._free(least=0), '"')
                rules["question-step"] = seq('"', yes_no, self._free("?", 0), named_or_var, self._free("?", 0), '?"')
            else:
                rules["asked-step"] = seq('"', open_, self._free(least=0), named, self._free(least=0), '"')
                rules["question-step"] = seq('"', yes_no, self._free("?", 0), named, self._free("?", 0), '?"')
            before = Repeat(Chars((("a", "z"), (" ", " "))), 0, WORD_CHARACTERS)
            rules["first"] = seq('"Extract the ', before, self.step.said, optional(seq(" ", self._free())), '"')
        return rules

    def _options(self) -> Node:
        return Repeat(seq(", ", Rule("quoted")), 2, MOST_CHOICES)

    def _free(self, also: str = "", least: int = 1, *, about: bool = True) -> Node:
        """Return free words; where steps are the model's own choice they may quote one."""
        if self.frame.step != "any" or self.text is None:
            return self._words(also, least, self.frame.about if about and self.step is None else ())
        words = Repeat(plain(also), 0, TEXT_CHARACTERS)
        return seq(words, optional(seq("{", Rule("var"), "}", Repeat(plain(also), 0, TEXT_CHARACTERS))))

    def _words(self, also: str, least: int, about: Sequence[str]) -> Node:
        """Return free words, one of which begins as one of these does."""
        if not about:
            return Repeat(plain(also), least, TEXT_CHARACTERS)
        return seq(Repeat(plain(also), 0, TEXT_CHARACTERS), choice(*about), Repeat(plain(also), 0, 60))

    def _said(self, also: str, certain: Shown | Asked) -> Node:
        """Return the words of a question that is certain: those of the instruction, and small ones between them."""
        if not (certain.about and certain.said and self.frame.common):
            return self._words(also, 1, certain.about)
        low = Chars((("a", "z"),))
        about = seq(choice(*certain.about), Repeat(low, 0, MOST_ENDING))
        own = [word for word in certain.said if len(word) > SHORT or not word.islower()]
        longer = sorted({*own, *(word for word in self.frame.common if len(word) > SHORT)})
        word = choice(about, Repeat(low, 1, SHORT), *longer)
        between = choice(" ", "-")
        before, after = Repeat(seq(word, between), 0, MOST_WORDS), Repeat(seq(between, word), 0, MOST_WORDS)
        return seq(before, about, after)


def _is_token(name: str) -> bool:
    return name in _TOKENS or name.startswith("said-")
