"""A large language model that answers label and span instructions about texts.

One piece of code for two uses: the annotator that ``falconql train`` asks about a sample, and the proxy that a query
names with ``using llm``. ``task`` says what is asked, ``prompt`` how, ``reading`` and ``matching`` turn a reply into
answers, ``asker`` does one request, ``annotator`` many at once; ``store`` keeps the answers, ``budget`` the limits.
"""

from __future__ import annotations

from falconql.annotating.annotator import Annotator, Progress, Settings
from falconql.annotating.budget import Budget, parse_budget
from falconql.annotating.task import Annotation, Question, Spans, Task
from falconql.annotating.usage import Usage

__all__ = [
    "Annotation",
    "Annotator",
    "Budget",
    "Progress",
    "Question",
    "Settings",
    "Spans",
    "Task",
    "Usage",
    "parse_budget",
]
