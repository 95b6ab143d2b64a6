"""Examples of what has a form of its own: prices, dates, addresses, measures.

Regular expressions find them in raw text. What raw text hardly has, such as e-mail addresses, is made up and put into
it as people would: "Contact: jo@example.org".
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from falconql.training import phrasing
from falconql.training.examples import Example

ABSENT_SHARE = 0.35
MENTION_SHARE = 0.2
MADE_UP_SHARE = 0.45
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"


def _with_unit(units: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,$£€]){_NUMBER}(?:-| )?(?:{units})\b", re.IGNORECASE)


FORMS: dict[str, re.Pattern[str]] = {
    "price": re.compile(
        rf"(?:[$£€₹]|\bRs\.?)\s?{_NUMBER}(?: ?(?:million|billion|k|bucks))?"
        rf"|(?<![\w.,]){_NUMBER} (?:(?:million|billion) )?(?:dollars|bucks|euros?|pounds|cents|rupees|USD|EUR|GBP)\b"
    ),
    "percentage": re.compile(rf"(?<![\w.,]){_NUMBER} ?(?:%|percent\b|per cent\b)"),
    "date": re.compile(
        rf"\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:, \d{{4}})?\b"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? \d{{4}})?\b"
        rf"|\b{_MONTH} \d{{4}}\b|\b\d{{4}}-\d\d-\d\d\b|\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b"
    ),
    "year": re.compile(r"(?<![\w.,/$£€-])(?:1[5-9]\d\d|20[0-3]\d)(?![\w/%-]|[.,]\d)"),
    "time of day": re.compile(
        r"\b(?:1[0-2]|0?[1-9])(?::[0-5]\d)? ?(?:am|pm|a\.m\.|p\.m\.|o'clock)(?!\w)|\b(?:[01]?\d|2[0-3]):[0-5]\d\b"
    ),
    "distance or length": _with_unit(
        r"km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|feet|foot|ft|inch(?:es)?|cm|mm|yards?"
    ),
    "weight": _with_unit(r"kg|kilograms?|kilos?|grams?|lbs?|pounds|ounces?|oz|tons?|tonnes?|mg"),
    "duration": _with_unit(r"seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?"),
    "temperature": re.compile(r"(?<!\w)-?\d+(?:\.\d+)? ?(?:°\s?[CF]?|degrees(?: (?:Celsius|Fahrenheit))?)(?!\w)"),
    "quotation": re.compile(r"\"[^\"\n]{8,160}\"|“[^”\n]{8,160}”"),
    "abbreviation": re.compile(r"(?<=\()[A-Z]{2,6}s?(?=\))"),
    "hashtag": re.compile(r"(?<!\w)#[A-Za-z]\w+"),
    "user name": re.compile(r"(?<!\w)@[A-Za-z]\w+"),
    "web address": re.compile(r"\bhttps?://[^\s)\]]+[\w/]|\bwww\.[^\s)\]]+[\w/]"),
    "e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    "phone number": re.compile(
        r"(?<![\w.])(?:\+\d{1,3}[ -])?(?:\(\d{3}\) ?|\d{3}[ -])\d{3}[ -]\d{4}(?!\w)"
        r"|(?<![\w.])(?:\+\d{2} (?:\(0\))?|0)\d{2,4}(?:[ /-]\d{2,5}){2,3}(?!\w)"
    ),
    "file name": re.compile(r"\b[\w-]+\.(?:txt|pdf|docx?|xlsx?|csv|jpe?g|png|zip|exe|py|html|mp[34])\b"),
    "version number": re.compile(r"\b[vV]?\d+\.\d+\.\d+\b"),
    "order number": re.compile(r"#\d{4,}\b|\b[A-Z]{2,3}-\d{4,}\b"),
    "postcode": re.compile(r"\b[A-Z]{2} \d{5}\b|\b[A-Z]{1,2}\d{1,2} \d[A-Z]{2}\b"),
}
NAMES: dict[str, tuple[str, ...]] = {
    "price": ("price", "price", "amount of money", "cost", "sum of money", "dollar amount"),
    "user name": ("user name", "handle", "account that is mentioned"),
    "web address": ("web address", "URL", "link", "website"),
    "e-mail address": ("e-mail address", "email", "email address"),
    "phone number": ("phone number", "telephone number"),
    "distance or length": ("distance or length", "length", "measurement", "distance"),
    "duration": ("duration", "length of time", "period of time"),
    "quotation": ("quotation", "quote", "quoted text"),
    "abbreviation": ("abbreviation", "acronym"),
    "order number": ("order number", "reference number"),
    "postcode": ("postcode", "ZIP code"),
    "time of day": ("time of day", "time"),
}
# Of these a text may have some in words that no expression finds: no text lacks them for certain.
_ALSO_IN_WORDS = frozenset(
    ("date", "year", "duration", "time of day", "quotation", "distance or length", "price", "weight")
)
_FIRST = ("jo", "anna", "m.lee", "k_weber", "sam", "priya", "info", "support", "office", "help", "sales", "bob")
_ENDINGS = ("com", "org", "net", "co.uk", "de", "io", "fr", "edu")


# How people say such a thing.
_SAID: dict[str, tuple[str, ...]] = {
    "e-mail address": (
        "Contact: {}.",
        "Write to {} for details.",
        "You can reach me at {}",
        "email {}",
        "Questions? {}",
    ),
    "web address": ("See {} for more.", "More at {}", "check it out: {}", "Source: {}", "I found it on {}"),
    "phone number": ("Call {}.", "Phone: {}", "Ring us on {} before noon.", "my number is {}"),
    "hashtag": ("{}",),
    "user name": ("{} what do you think?", "thanks {}", "via {}"),
    "file name": ("See the attached {}.", "I opened {} first.", "file: {}"),
    "version number": ("It broke after the update to {}.", "Version {} is out.", "I am on {} now."),
    "order number": ("Order {} never came.", "My order number is {}.", "Ref. {}", "Re: case {}"),
    "postcode": ("It was sent to Dayton, {}.", "They are in Salem, {}."),
    "temperature": ("It was {} outside.", "Heat it to {}.", "The room had {}."),
    "price": ("I paid {} for it.", "It costs {}.", "Only {}!", "Got it for {} on sale.", "{} is too much for this."),
}


def _made_up(kind: str, rng: random.Random) -> str:
    """Return something of a kind."""
    digits = "".join(str(rng.randrange(10)) for _ in range(12))
    match kind:
        case "e-mail address":
            who = rng.choice((rng.choice(_FIRST), _name(rng), f"{_name(rng)}.{_name(rng)}"))
            return f"{who}{rng.choice(('', digits[0]))}@{_host(rng)}"
        case "web address":
            start = rng.choice(("https://", "http://", "http://www.", "www."))
            end = rng.choice(
                ("", "/shop", f"/{_name(rng)}/{digits[0]}", f"/{_name(rng)}?id={digits[:3]}", f"/{digits[:4]}")
            )
            return start + _host(rng) + end
        case "phone number":
            area, first, last = digits[:3], digits[3:6], digits[6:10]
            local = (f"({area}) {first}-{last}", f"{area}-{first}-{last}", f"+1 {area} {first} {last}")
            abroad = (f"+4{digits[0]} {digits[1:3]} {last} {digits[3:7]}", f"0{area} {first}{digits[10]} {digits[6:9]}")
            return rng.choice((*local, *abroad))
        case "hashtag":
            return "#" + rng.choice(("love", "win", "news", "Food", "TBT", "summer2024", "fail", "travel"))
        case "user name":
            return "@" + rng.choice(_FIRST).replace(".", "_") + digits[0]
        case "file name":
            name = rng.choice(("report", "invoice_2", "setup", "IMG-0042", "notes", "data"))
            return f"{name}.{rng.choice(('pdf', 'docx', 'csv', 'png', 'exe', 'zip'))}"
        case "version number":
            return ".".join(digits[:3])
        case "order number":
            return rng.choice(("#", "AB-", "TK-")) + digits[:5]
        case "postcode":
            return f"{rng.choice(('TX', 'CA', 'NY', 'OH', 'WA'))} {digits[:5]}"
        case "temperature":
            return f"{rng.randrange(-20, 120)} degrees"
        case _:
            amount = f"{rng.randrange(1, 3000):{rng.choice(('', ','))}}{rng.choice(('', '', '.99', '.50'))}"
            behind = rng.choice(("euros", "dollars", "pounds", "rupees", "EUR", "USD", "GBP", "bucks"))
            return rng.choice(
                (f"{rng.choice('$$£€')}{amount}", f"{rng.choice(('€', '₹', 'Rs. '))}{amount}", f"{amount} {behind}")
            )


def _name(rng: random.Random) -> str:
    """Return letters that can be pronounced."""
    syllables = (rng.choice("bcdfghklmnprstvw") + rng.choice("aeiou") for _ in range(rng.choice((2, 2, 3))))
    return "".join(syllables) + rng.choice(("", "", "n", "x", "rt"))


def _host(rng: random.Random) -> str:
    name = rng.choice((_name(rng), f"{_name(rng)}-{_name(rng)}", f"{_name(rng)}mail", f"my{_name(rng)}"))
    return f"{name}.{rng.choice(_ENDINGS)}"


_CAN_BE_MADE = (
    "e-mail address", "web address", "phone number", "hashtag", "user name", "file name", "version number",
    "order number", "postcode", "temperature", "price", "price",
)  # fmt: skip


def pattern_examples(texts: Sequence[str], rng: random.Random) -> Iterator[Example]:
    """Yield an example for each text that has something of a form, or gets it."""
    for text in texts:
        if rng.random() < MADE_UP_SHARE:
            kind = rng.choice(_CAN_BE_MADE)
            text = _with(text, rng.choice(_SAID[kind]).format(_made_up(kind, rng)), rng)
        found = {kind: [m.span() for m in form.finditer(text)] for kind, form in FORMS.items()}
        present = [kind for kind, spans in found.items() if spans]
        if not present:
            continue
        others = [kind for kind, spans in found.items() if not spans and kind not in _ALSO_IN_WORDS]
        absent = bool(others) and rng.random() < ABSENT_SHARE
        kind = rng.choice(others if absent else present)
        name = rng.choice(NAMES.get(kind, (kind,)))
        if rng.random() < MENTION_SHARE:
            yield Example(phrasing.mention_instruction(name, rng), text, not absent)
        else:
            yield Example(phrasing.span_instruction(name, rng), text, () if absent else tuple(found[kind]))


def _with(text: str, sentence: str, rng: random.Random) -> str:
    """Return a text with one more sentence, between two of its own or at an end."""
    cuts = [0, *(found.end() for found in re.finditer(r"(?<=[.!?])\s+(?=[A-Z])", text)), len(text)]
    cut = rng.choice(cuts)
    before, after = text[:cut].rstrip(), text[cut:].lstrip()
    return " ".join(part for part in (before, sentence, after) if part)
