"""Conditions that an instruction does not seem to mention: taken out for small models, shown for all others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from falconql.asking import plan
from falconql.asking.evidence import is_english
from falconql.asking.library import examples
from falconql.asking.loop import Answer
from falconql.llm.endpoint import Endpoint
from tests.asking.server import Say, serving

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "planning"))

from cases import cases

TITLES = {
    "title": ["122", "13TH", "Love", "Home"],
    "type": ["Movie", "Movie", "TV Show", "TV Show"],
    "year": [2019, 2017, 2020, 2021],
    "minutes": [90, 100, 45, 700],
    "stars": [5, 1, 4, 2],
    "description": ["Somebody goes somewhere, and comes back from there as somebody else."] * 4,
}


def answered(instruction: str, query: str, *, owner: str) -> Answer:
    with serving([Say(query)], models=[("m", owner)]) as server:
        return plan(instruction, TITLES, endpoint=Endpoint(server.url, "k", "m"))


@pytest.mark.parametrize("owner", ["vllm", "library", "somebody"])
@pytest.mark.parametrize(
    ("instruction", "query", "unsaid"),
    [
        ("films of 2021", 'where year = 2021 and type = "Movie"\n\nselect title\n', '`type = "Movie"`'),
        ("satisfied customers", "where stars >= 4\n\nselect title\n", "`stars >= 4`"),
        ("2020年以降の映画", 'where year >= 2020 and type = "Movie"\n\nselect title\n', '`type = "Movie"`'),
        ("stories", 'where stars > 3 and type = "Movie"\n\nselect *\n', '`stars > 3` or `type = "Movie"`'),
    ],
)
def test_of_a_large_model_they_stay_and_are_shown(owner: str, instruction: str, query: str, unsaid: str) -> None:
    answer = answered(instruction, query, owner=owner)
    assert answer.query.text == query
    assert [note for note in answer.notes if "seem to mention" in note] == [
        f"please check: the instruction does not seem to mention {unsaid}"
    ]


def test_a_label_true_of_every_text_stays_for_a_large_model() -> None:
    query = 'where label("Is the story real?")\n'
    answer = answered("real stories", query, owner="vllm")
    assert answer.query.text == f"text  description\n\n{query}"
    assert 'please check: label("Is the story real?") may be true of every text' in answer.notes


def test_of_a_small_model_they_are_left_out() -> None:
    answer = answered("titles of 2021", 'where year = 2021 and type = "Movie"\nselect title', owner="llamacpp")
    assert answer.query.text == "where year = 2021\n\nselect title\n"
    assert answer.notes == ('left out `type = "Movie"`: the instruction does not speak of it',)


@pytest.mark.parametrize(
    ("owner", "note"),
    [
        ("vllm", 'please check: the instruction does not seem to mention `type = "Movie"` or `stars > 1`'),
        ("llamacpp", 'left out `type = "Movie"`: the instruction does not speak of it'),
    ],
)
def test_a_condition_that_stands_there_twice_is_told_once(owner: str, note: str) -> None:
    query = 'where type = "Movie" or (stars > 1 and type = "Movie")\n\nselect title\n'
    notes = answered("stories", query, owner=owner).notes
    assert note in notes
    assert "".join(notes).count("Movie") == 1


@pytest.mark.parametrize("owner", ["me", "vllm"])
@pytest.mark.parametrize("reply", ["where score > 5", 'let happy = span("Who?")\nwhere score > 5'])
def test_columns_of_one_name_are_left_out_of_rows(tmp_path: Path, owner: str, reply: str) -> None:
    corpus = tmp_path / "twice.csv"
    corpus.write_text("id,text,id,score,the day\n1,a b c,2,5,x\n3,b,4,6,y\n")
    with serving([Say(reply)], models=[("m", owner)]) as server:
        answer = plan("rows with a score above 5", str(corpus), endpoint=Endpoint(server.url, "k", "m"))
    more = ", happy" if "happy" in reply else ""
    assert answer.query.text.endswith(f"where score > 5\n\nselect text, score, `the day`{more}\n")
    assert answer.notes == ("columns called `id` are not shown: several share the name",)


@pytest.mark.parametrize("instruction", ["Filme ab 2020", "films sortis depuis 2020", "2020年以降の映画"])
def test_in_another_language_they_stay_for_small_models_too(instruction: str) -> None:
    query = 'where year >= 2020 and type = "Movie"\n\nselect title\n'
    assert answered(instruction, query, owner="me").query.text == query


@pytest.mark.parametrize("owner", ["me", "vllm"])
def test_a_time_in_another_language_is_said_in_any_unit(owner: str) -> None:
    query = "where minutes > 600\n\nselect title\n"
    answer = answered("Serien, die länger als 10 Stunden dauern", query, owner=owner)
    assert (answer.query.text, answer.notes, len(answer.tries)) == (query, (), 1)


@pytest.mark.parametrize(
    "instruction",
    [
        "Filme ab 2020",
        "films sortis depuis 2020",
        "films français",
        "películas desde 2020",
        "film usciti dopo il 2020",
        "filmes lançados depois de 2020",
        "films vanaf 2020",
        "filmer efter 2020",
        "filmy po roku 2020",
        "фильмы после 2020",
        "2020년 이후 영화",
        "Kunden wollten Geld zurück",
        "länger als 10 Stunden gezockt",
        "Bewertungen bis 2020",
        "opiniones negativas de este producto",
        "commandes annulées par le client",
        "commandes annulées",
        "Beschwerden über Rechnungen",
        "Beschwerden wegen Verspätung",
        "Filme wie The Matrix ab 2020",
        "Beschwerden über The North Face mit mehr als 3 Sternen",
        "critiques du film This Is Us, moins de 3 étoiles",
        "reclamos por demora en la entrega",
        "2020年以降の映画",
    ],
)
def test_another_language_is_noticed(instruction: str) -> None:
    assert not is_english(instruction)


@pytest.mark.parametrize(
    "instruction",
    [
        "refund, playtime under 30 minutes, game",
        "horror games",
        "bug crash freeze",
        "films of 2021",
        "papers from MIT by Smith et al",
        'reviews that mention "Der Untergang"',
        "titles about Beyoncé",
        "stars >= 4",
        "films by Woody Allen",
        "poems by John Donne",
        "child minder complaints",
        "the Mir space station",
        "ab test results",
        "po box complaints",
        "Wo Fat episodes",
        "bis bank",
        "Als patients",
        "Jean Pas songs",
        "visa esta problems",
        "reviews of Sobre Mesa",
        "Lars von Trier films",
        "emails from Ursula von der Leyen",
        "Oscar de la Hoya fights",
        "roku remote bug",
        "Beyoncé songs",
        "beyoncé songs",
        "Pokémon cards",
        "café complaints",
        "crème brûlée",
        "complaints Nestlé chocolate",
        "flights to São Paulo",
        "complaints about über drivers",
        "refund crash freeze bug",
        "pasta pizza risotto gnocchi",
    ],
)
def test_short_english_stays_english(instruction: str) -> None:
    assert is_english(instruction)


def test_the_instructions_of_the_benchmark_and_the_examples_are_english() -> None:
    said = [case.instruction for case in cases()] + [example.instruction for example in examples()]
    assert [instruction for instruction in said if not is_english(instruction)] == []
