"""How people put an instruction: the same request in many words.

Training sees each label set and entity type under many phrasings, so that the proxy follows the
meaning of an instruction and not its form.
"""

from __future__ import annotations

import random
import re

_IN_BRACKETS = re.compile(r"\s*\(([^)]*)\)")

_SPAN_TEMPLATES = (
    "Extract the {one}",
    "Extract the {one}",
    "Extract all {many}",
    "Extract every {one}",
    "Extract the {many}",
    "Extract the name of the {one}",
    "{one}",
    "{one}?",
    "{many}",
    "the {one}",
    "Which {many} are mentioned?",
    "Which {one} is mentioned?",
    "What is the {one}?",
    "What {many} does the text mention?",
    "Find all {many}",
    "Find the {one}",
    "List the {many}",
    "List every {one} in the text",
    "Identify the {many}",
    "Mark every {one}",
    "Names of {many}",
    "Tell me the {one}",
)

_SPECIAL_SPANS = {
    "person": ("Who is mentioned?", "Who?", "Names of people", "Which people appear?", "Extract the person's name"),
    "location": ("Which places are mentioned?", "Where?", "Extract the place names", "Where does it happen?"),
    "organization": (
        "Which companies or organisations are mentioned?",
        "Extract the company",
        "Extract the names of organisations",
        "Which institutions are named?",
    ),
    "disease": ("Which illnesses are mentioned?", "What disease is it about?", "Extract the medical condition"),
    "gene or protein name": ("Which genes are mentioned?", "Extract the protein", "gene"),
    "thing or feature the reviewer likes": (
        "What does the reviewer like?",
        "What is praised?",
        "Extract what the customer is happy with",
        "pros",
    ),
    "thing or feature the reviewer dislikes": (
        "What does the reviewer dislike?",
        "What is criticised?",
        "Extract what the customer complains about",
        "What is the complaint about?",
        "cons",
    ),
    "words that express an opinion": ("Extract the opinion words", "How is it described?"),
    "number of people": ("How many people?", "For how many?"),
    "booking time": ("At what time?", "When?", "time"),
    "booking date": ("On which day?", "When?", "date"),
    "actor": ("Who plays in the film?", "Which actors appear?"),
    "director": ("Who directed it?",),
    "city": ("Which city?", "In which city?"),
    "country": ("Which country?", "In which country?"),
}

_MENTION_TEMPLATES = (
    "Does the text mention a {one}?",
    "Is a {one} mentioned?",
    "Does it name any {many}?",
    "The text mentions a {one}.",
    "mentions a {one}",
)

_TOPIC_TEMPLATES = (
    "Is this about {name}?",
    "Is the text about {name}?",
    "Is it about {name}?",
    "Is this text about {name}?",
    "Does this concern {name}?",
    "Does the text discuss {name}?",
    "Does this have to do with {name}?",
    "Is the topic {name}?",
    "This text is about {name}.",
    "It is about {name}.",
    "about {name}",
    "{name}",
    "{name}?",
    "What is the topic? {name}",
    "What is this about? {name}",
    "Which category fits? {name}",
    "Which kind is it? {name}",
)
_INTENT_TEMPLATES = (
    "Does the user want to {name}?",
    "Is this a request about {name}?",
    "Is the customer asking about {name}?",
    "Is this message about {name}?",
    "{name}",
    "{name}?",
    "The message is about {name}.",
    "What does the user want? {name}",
    "What is the request? {name}",
)
_FEELING_TEMPLATES = (
    "Does the author express {name}?",
    "Does the writer feel {name}?",
    "Is there {name} in this message?",
    "Is this a message of {name}?",
    "The author expresses {name}.",
    "{name}",
    "{name}?",
    "Which emotion is expressed? {name}",
    "What does the author feel? {name}",
)
_KIND_TEMPLATES = (
    "Is this {name}?",
    "Is the text {name}?",
    "Does this contain {name}?",
    "This is {name}.",
    "{name}",
    "What kind of message is it? {name}",
)
TEMPLATES = {
    "dbpedia14": _TOPIC_TEMPLATES,
    "clinc150": _INTENT_TEMPLATES,
    "snips_intents": _INTENT_TEMPLATES,
    "banking77": _INTENT_TEMPLATES,
    "goemotions": _FEELING_TEMPLATES,
    "hate_offensive": _KIND_TEMPLATES,
    "sms_spam": _KIND_TEMPLATES,
}
# What people call a class whose name in the set is a description.
_CALLED = {
    "unsolicited advertising or fraud message": (
        "spam", "spam", "a spam message", "junk", "junk mail", "advertising", "an advertisement", "spam or a scam",
        "unsolicited advertising", "unwanted advertising", "a promotional message", "an unsolicited commercial message",
    ),
    "ordinary personal message": (
        "an ordinary message", "a personal message", "a private message", "a normal message", "a message from a friend",
    ),
}  # fmt: skip

_POSITIVE = (
    "Is the reviewer satisfied?",
    "Is the customer satisfied?",
    "Is the customer happy?",
    "Is this a positive review?",
    "Is this positive?",
    "Is the review positive?",
    "Does the author like it?",
    "Does the reviewer recommend it?",
    "Does the author recommend {thing}?",
    "Is the author pleased with {thing}?",
    "Is the opinion favourable?",
    "Did the author enjoy {thing}?",
    "Is it praise?",
    "Does the writer speak well of {thing}?",
    "The reviewer is satisfied.",
    "The author likes {thing}.",
    "positive",
    "positive review",
    "positive sentiment",
    "satisfied",
    "What is the sentiment? positive",
    "How does the author feel about {thing}? good",
    "Is the reviewer satisfied with {thing}?",
    "Would the author buy or see it again?",
)
_NEGATIVE = (
    "Is the reviewer dissatisfied?",
    "Is the customer unhappy?",
    "Is this a negative review?",
    "Is this negative?",
    "Is the review negative?",
    "Does the author dislike it?",
    "Does the reviewer complain?",
    "Is the author complaining about {thing}?",
    "Is the customer angry or disappointed?",
    "Is this a complaint?",
    "Is the author disappointed with {thing}?",
    "Does the reviewer warn others against {thing}?",
    "Does the reviewer report a problem with {thing}?",
    "Is the opinion unfavourable?",
    "Is it criticism?",
    "The reviewer is not satisfied.",
    "The author dislikes {thing}.",
    "negative",
    "negative review",
    "negative sentiment",
    "complaint",
    "What is the sentiment? negative",
    "How does the author feel about {thing}? bad",
)
_THINGS = {
    "imdb": ("the film", "the movie", "this film"),
    "sst2": ("the film", "the movie", "it"),
    "sst5": ("the film", "the movie", "it"),
    "amazon_polarity": ("the product", "this item", "it", "the purchase"),
}
SENTIMENT_SETS = tuple(_THINGS)

_STATEMENT_TEMPLATES = (
    "{statement}",
    "{statement}",
    "{statement}",
    "Is it true that {lower}?",
    "Does the text say that {lower}?",
    "Does it follow that {lower}?",
    "Statement: {statement}",
)


def plain(name: str) -> str:
    """Return a label name without its bracketed examples: ``city (town ...)`` -> ``city``."""
    return _IN_BRACKETS.sub("", name).strip()


def plural(name: str) -> str:
    """Return a rough English plural of a noun phrase's head."""
    head, of, rest = name.partition(" of ")
    if head.endswith("y") and head[-2:-1] not in "aeiou":
        head = head[:-1] + "ies"
    elif head.endswith(("s", "x", "ch", "sh")):
        head += "es" if not head.endswith("s") else ""
    else:
        head += "s"
    return head + of + rest


def vary(text: str, rng: random.Random) -> str:
    """Return the text as some people would type it: lower case, or without the last sign."""
    if rng.random() < 0.15:
        text = text.lower()
    if rng.random() < 0.1:
        text = text.rstrip("?.")
    return text


def span_instruction(label: str, rng: random.Random) -> str:
    """Return one way to ask for all spans of a type."""
    name = plain(label)
    special = _SPECIAL_SPANS.get(name, ())
    if special and rng.random() < 0.3:
        return vary(rng.choice(special), rng)
    name = rng.choice([name, *name.split(" or ")]) if " or " in name and len(name) < 40 else name
    if name == label or rng.random() < 0.85:
        template = rng.choice(_SPAN_TEMPLATES)
        return vary(template.format(one=name, many=plural(name)), rng)
    return vary(f"Extract the {label}", rng)


def mention_instruction(label: str, rng: random.Random) -> str:
    """Return one way to ask whether any span of a type is there."""
    name = plain(label)
    return vary(rng.choice(_MENTION_TEMPLATES).format(one=name, many=plural(name)), rng)


def class_instruction(set_name: str, label: str, rng: random.Random) -> str:
    """Return one way to ask whether a text is of a class."""
    if label in _CALLED and rng.random() < 0.9:
        name = rng.choice(_CALLED[label])
    else:
        name = plain(label) if rng.random() < 0.85 else label
    return vary(rng.choice(TEMPLATES[set_name]).format(name=name), rng)


def topic_instruction(name: str, rng: random.Random) -> str:
    """Return one way to ask whether a text is about something."""
    return vary(rng.choice(_TOPIC_TEMPLATES).format(name=name), rng)


def kind_instruction(mention: str, label: str, rng: random.Random) -> str:
    """Return one way to ask whether something that a text mentions is of a type."""
    templates = (
        "Is {mention} a {one}?",
        "{mention} is a {one}.",
        "What is {mention}? {one}",
        "Is {mention} the {one}?",
    )
    return rng.choice(templates).format(mention=mention, one=plain(label))


def answerable_instruction(question: str, rng: random.Random) -> str:
    """Return one way to ask whether a text answers a question."""
    lower = (question[:1].lower() + question[1:]).rstrip("? ")
    templates = (
        "Does the text say {lower}?",
        "Does it answer the question: {question}",
        "The text says {lower}.",
        "Can one tell from the text {lower}?",
        "Is it stated {lower}?",
    )
    return rng.choice(templates).format(lower=lower, question=question)


def answer_instruction(question: str, answer: str, rng: random.Random) -> str:
    """Return one way to ask whether something is the answer to a question."""
    templates = ("{question} {answer}", "{question} Is it {answer}?", "Is {answer} the answer to: {question}")
    return rng.choice(templates).format(question=question, answer=answer)


def sentiment_instruction(set_name: str, positive: bool, rng: random.Random) -> str:
    """Return one way to ask whether an opinion is positive (or negative)."""
    template = rng.choice(_POSITIVE if positive else _NEGATIVE)
    return vary(template.format(thing=rng.choice(_THINGS[set_name])), rng)


def statement_instruction(statement: str, rng: random.Random) -> str:
    """Return one way to ask whether a text entails a statement."""
    statement = statement.strip()
    lower = (statement[:1].lower() + statement[1:]).rstrip(".!? ")
    return rng.choice(_STATEMENT_TEMPLATES).format(statement=statement, lower=lower)


def topic_review_instructions(set_name: str) -> tuple[str, ...]:
    """Return questions about what a review set is about that hold for each of its texts."""
    return {
        "imdb": ("Is this a film review?", "Is this about a film?", "Is this a review of a movie?"),
        "amazon_polarity": ("Is this a product review?", "Is this a review?", "Is this a customer review?"),
        "dbpedia14": ("Is this an encyclopedia entry?", "Is this a description of something?"),
        "clinc150": ("Is this a request to a voice assistant?", "Is the user asking for something?"),
        "banking77": ("Is this a question from a bank customer?", "Is this about a bank account or card?"),
    }.get(set_name, ())
