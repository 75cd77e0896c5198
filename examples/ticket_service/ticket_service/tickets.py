"""What the service works on: accounts, tickets and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import FrozenSet


@dataclass(frozen=True)
class Account:
    """A customer. ``sensitive_terms`` are words that must never reach the audit log."""

    number: int
    name: str
    sensitive_terms: FrozenSet[str]


@dataclass(frozen=True)
class Ticket:
    """One message from a person at a customer."""

    reference: str
    account: Account
    requester: str
    requester_email: str
    received: datetime
    subject: str
    body: str

    @property
    def text(self) -> str:
        return f"{self.subject}\n{self.body}"


@dataclass(frozen=True)
class Decision:
    """Which team answers, how urgent it is, and how sure the classifier was (0..1)."""

    team: str
    priority: int
    confidence: float
