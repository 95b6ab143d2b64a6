"""A WordNet of a few words, in the format of its files."""

from __future__ import annotations

from pathlib import Path

# Sense: its words and what it is a kind of.
SENSES: dict[int, tuple[tuple[str, ...], int | None]] = {
    10: (("thing",), None),
    20: (("animal", "beast"), 10),
    21: (("bird",), 20),
    22: (("pigeon",), 21),
    23: (("house_sparrow",), 21),
    24: (("crane",), 21),
    25: (("fish",), 20),
    30: (("machine",), 10),
    31: (("crane",), 30),
    40: (("city",), 10),
}
# Of "crane" the machine is met more often; "fish" is mostly a verb.
COUNTS = {("crane", 1): 7, ("crane", 2): 1, ("fish", 1): 2}
VERBS = {"fish": 8}


def write_wordnet(folder: Path) -> Path:
    """Write the files that are read, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["  1 This software is made up for tests."]
    for sense, (words, _) in SENSES.items():
        kinds = [f"~ {below:08} n 0000" for below, (_, above) in SENSES.items() if above == sense]
        said = " ".join(f"{word} 0" for word in words)
        pointers = " ".join((f"{len(kinds):03}", *kinds))
        lines.append(f"{sense:08} 03 n {len(words):02x} {said} {pointers} | what it is")
    (folder / "data.noun").write_text("\n".join(lines) + "\n", encoding="ascii")
    index = []
    for word in sorted({word for words, _ in SENSES.values() for word in words}):
        senses = [sense for sense in (31, *SENSES) if word in SENSES[sense][0]]
        senses = list(dict.fromkeys(senses))
        index.append(f"{word} n {len(senses)} 1 ~ {len(senses)} 0 {' '.join(f'{sense:08}' for sense in senses)}")
    (folder / "index.noun").write_text("\n".join(index) + "\n", encoding="ascii")
    (folder / "index.verb").write_text("fish v 1 0 1 1 00000090\n", encoding="ascii")
    for part in ("adj", "adv"):
        (folder / f"index.{part}").write_text("", encoding="ascii")
    counts = [f"{word}%1:03:00:: {place} {count}" for (word, place), count in COUNTS.items()]
    counts += [f"{word}%2:35:00:: 1 {count}" for word, count in VERBS.items()]
    (folder / "cntlist.rev").write_text("\n".join(counts) + "\n", encoding="ascii")
    (folder / "noun.exc").write_text("geese goose\n", encoding="ascii")
    return folder
