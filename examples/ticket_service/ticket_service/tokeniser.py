"""Words of a ticket, lower-cased, without stop words."""

from __future__ import annotations

import re
from typing import List

_WORD = re.compile(r"[a-z]{3,}")
_STOP_WORDS = frozenset(
    "the and for with that this from have has was were our your you are not but can all any when since".split()
)


def tokenise(text: str) -> List[str]:
    """Return the words of ``text`` in order, repeats kept."""
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]
