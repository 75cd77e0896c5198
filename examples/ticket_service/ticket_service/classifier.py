"""Naive Bayes over word counts: which team should answer a ticket."""

from __future__ import annotations

import math
from collections import Counter
from typing import Dict, Iterable, List, Tuple

from .tickets import Decision

_URGENT = frozenset({"outage", "urgent", "down", "breach", "immediately", "production"})


class Classifier:
    """Multinomial naive Bayes with add-one smoothing, trained once when the service starts."""

    def __init__(self, examples: Iterable[Tuple[str, List[str]]]) -> None:
        counts: Dict[str, Counter[str]] = {}
        tickets: Counter[str] = Counter()
        for team, words in examples:
            counts.setdefault(team, Counter()).update(words)
            tickets[team] += 1
        vocabulary = {word for counted in counts.values() for word in counted}
        self._prior = {team: math.log(n / sum(tickets.values())) for team, n in tickets.items()}
        self._unseen: Dict[str, float] = {}
        self._likelihood: Dict[str, Dict[str, float]] = {}
        for team, counted in counts.items():
            total = sum(counted.values()) + len(vocabulary)
            self._unseen[team] = math.log(1 / total)
            self._likelihood[team] = {word: math.log((n + 1) / total) for word, n in counted.items()}

    def classify(self, words: List[str]) -> Decision:
        """Return the most likely team for a ticket with these words."""
        scores = {team: self._score(team, words) for team in self._prior}
        best = max(scores, key=scores.__getitem__)
        total = sum(math.exp(score - scores[best]) for score in scores.values())
        priority = 1 if _URGENT.intersection(words) else 3
        return Decision(team=best, priority=priority, confidence=1 / total)

    def _score(self, team: str, words: List[str]) -> float:
        likelihood, unseen = self._likelihood[team], self._unseen[team]
        score = self._prior[team]
        for word in words:
            score += likelihood.get(word, unseen)
        return score
