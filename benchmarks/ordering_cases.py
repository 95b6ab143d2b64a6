"""The queries of ``ordering.py``, and keywords that can stand in for the model's answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS = 5000


def read_corpus(folder: Path, name: str) -> pa.Table:
    """Return the first rows of a corpus; of the Reuters news only the short ones, to save hours."""
    table = pq.read_table(folder / f"{name}.parquet")
    if name == "reuters21578":
        lengths = pc.fill_null(pc.utf8_length(table.column("body")), 0)
        table = table.filter(pc.and_(pc.greater(lengths, 0), pc.less(lengths, 400)))
    return table.slice(0, ROWS)


@dataclass(frozen=True, slots=True)
class Case:
    """A query by name, over one corpus; predicates stand in the worst order."""

    name: str
    corpus: str
    where: str


CASES = (
    Case(
        "battery complaints",
        "laptop_reviews",
        """label(review, "Does the reviewer complain about the battery?")
           and label(title, "Is this a complaint?") and rating <= 2""",
    ),
    Case(
        "praise twice",
        "laptop_reviews",
        """label(review, "Is the reviewer satisfied?") and label(review, "Does the reviewer praise the screen?")
           and label(title, "Is the reviewer satisfied?") and review matches /screen|display/i""",
    ),
    Case(
        "good for work or games",
        "laptop_reviews",
        """(label(review, "Is this a review of a gaming laptop?")
            or label(review, "Is the laptop used for work or study?"))
           and label(review, "Is the reviewer satisfied?") and rating >= 4 and product contains "HP" """,
    ),
    Case(
        "any trouble",
        "laptop_reviews",
        """(label(review, "Does the reviewer complain about heating?")
            or label(review, "Did the reviewer have a problem with delivery?")
            or label(title, "Is this a complaint?") or review contains "problem") and rating <= 3""",
    ),
    Case(
        "oil twice",
        "reuters21578",
        """label(body, "Is this about crude oil?") and label(title, "Is this about oil?") and date >= '1987-03-01'""",
    ),
    Case(
        "takeovers and the state",
        "reuters21578",
        """label(body, "Is this about government policy?") and label(body, "Is this about a takeover?")
           and label(title, "Is this about a takeover or merger?") and body contains "pct" """,
    ),
    Case(
        "farming or Japan",
        "reuters21578",
        """(label(body, "Is this about agriculture?") or label(body, "Is this about Japan?"))
           and not label(title, "Is this about company earnings?") and length(body) < 250""",
    ),
    Case(
        "losses",
        "reuters21578",
        """label(body, "Does the company report a loss?") and label(title, "Is this about company earnings?")""",
    ),
    Case(
        "horror by name or text",
        "steam_games",
        """label(description, "Is this a horror game?") and label(name, "Is this a horror game?")""",
    ),
    Case(
        "cheap strategy in space",
        "steam_games",
        """label(description, "Is this a strategy game?") and label(description, "Can it be played with friends?")
           and label(description, "Is it set in space?") and price_inr < 500""",
    ),
    Case(
        "horror or puzzle",
        "steam_games",
        """(label(description, "Is this a horror game?") or label(description, "Is this a puzzle game?"))
           and (label(description, "Is this a game for children?") or label(name, "Is this a sequel?"))
           and release_date >= '2019-01-01'""",
    ),
    Case(
        "war games",
        "steam_games",
        """label(description, "Is this a strategy game?") and not label(description, "Is this a game for children?")
           and label(description, "Can it be played with friends?") and label(name, "Is this a sequel?")
           and description matches /war|battle|army/i and price_inr > 0""",
    ),
    Case(
        "love and laughter",
        "netflix_titles",
        """label(description, "Is this a love story?") and label(description, "Is this a comedy?")
           and label(title, "Is this about love?") and type = "Movie" and release_year >= 2015""",
    ),
    Case(
        "family crime",
        "netflix_titles",
        """label(description, "Is this about crime?") and label(description, "Is this about a family?")
           and label(title, "Is this about crime?") and rating = "TV-MA" """,
    ),
    Case(
        "war or true crime",
        "netflix_titles",
        """label(description, "Is it about war?") and type = "Movie"
           or label(description, "Is it a documentary?") and label(description, "Is this about crime?")
              and release_year > 2012""",
    ),
    Case(
        "true war stories",
        "netflix_titles",
        """label(description, "Is it a documentary?") and label(description, "Is it about war?")
           and label(title, "Is this about crime?") and not label(description, "Is this a comedy?")
           and description matches /true|histor|real/i and release_year > 2010""",
    ),
)

# What the stand-in for a model looks for, by question, and how often it errs.
KEYWORDS = {
    "Does the reviewer complain about the battery?": r"batter|charg|power",
    "Does the reviewer complain about heating?": r"heat|hot|warm|fan",
    "Did the reviewer have a problem with delivery?": r"deliver|packag|box|arriv|ship",
    "Does the reviewer praise the screen?": r"screen|display|picture",
    "Is the reviewer satisfied?": r"good|great|best|nice|awesome|excellent|perfect|love|worth|super|brilliant|wonder",
    "Is this a complaint?": r"bad|poor|worst|not|waste|useless|disappoint|slow|average|fair|decent",
    "Is this a review of a gaming laptop?": r"gam|gpu|graphic|fps|rtx|gtx",
    "Is the laptop used for work or study?": r"work|office|stud|school|cod|business|class",
    "Is this about crude oil?": r"\boil|crude|barrel|opec|energy",
    "Is this about oil?": r"\boil|crude|opec|petrol|energy",
    "Is this about government policy?": r"government|policy|minister|law|congress|treasury|budget",
    "Is this about a takeover?": r"acqui|merg|takeover|stake|bid\b|tender offer",
    "Is this about a takeover or merger?": r"acqui|merg|takeover|stake|bid|buy|sell|unit",
    "Is this about agriculture?": r"wheat|corn|grain|farm|crop|sugar|coffee|cocoa|soybean|cattle",
    "Is this about Japan?": r"japan|tokyo|yen",
    "Is this about company earnings?": r"\bnet\b|\bqtr\b|loss|dividend|earning|profit|year|sets",
    "Does the company report a loss?": r"\bloss|deficit",
    "Is this a horror game?": r"horror|scar|terror|dead|zombie|blood|nightmare|ghost|dark|evil",
    "Is this a strategy game?": r"strateg|tactic|build|manage|command|empire|turn-based",
    "Can it be played with friends?": r"friend|multiplayer|co-op|coop|online|together|team",
    "Is it set in space?": r"space|galax|planet|star\b|stars|alien|ship",
    "Is this a puzzle game?": r"puzzl|match|brain|logic|hidden|solve|myster",
    "Is this a game for children?": r"cute|fun|famil|kid|colorful|colourful|cartoon|magic|adorable|pet",
    "Is this a sequel?": r"\d|\bii+\b|returns|edition|episode|chapter",
    "Is this a love story?": r"love|romance|relationship|marri|wedding|heart|couple",
    "Is this a comedy?": r"comed|comic|funny|humor|hilari|stand-up|laugh|jokes|hijinks|friends",
    "Is this about love?": r"love|heart|wedding|kiss|romance|bride|marri",
    "Is this about crime?": r"crime|murder|kill|drug|detective|police|gang|cop|criminal|heist|mafia|cartel",
    "Is this about a family?": r"famil|father|mother|son\b|daughter|brother|sister|parents|wife|husband",
    "Is it about war?": r"\bwar|soldier|army|military|battle|nazi|troops|rebel",
    "Is it a documentary?": r"documentar|explore|examine|interview|footage|follows|true|real|history",
}
ERROR_SHARE = 0.06
