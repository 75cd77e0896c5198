"""The audit trail: who wrote what, with everything sensitive masked.

Compliance asked that a customer's project names, and the name and address of the person who writes, never
reach the log. They differ from ticket to ticket, so the pattern is put together here, for each ticket.
"""

from __future__ import annotations

import hashlib
import re
from typing import List

from .tickets import Decision, Ticket

MASK = "[redacted]"


def sensitive_terms(ticket: Ticket) -> List[str]:
    """Return what must be masked in this ticket, longest first so that the longest match wins."""
    terms = {term.lower() for term in ticket.account.sensitive_terms}
    terms.update(part.lower() for part in ticket.requester.split())
    terms.add(ticket.requester_email.lower())
    return sorted(terms, key=lambda term: (-len(term), term))


class AuditLogger:
    """Keeps one masked line for each ticket, chained by a digest so that a removed line shows."""

    def __init__(self) -> None:
        self.lines: List[str] = []
        self._digest = hashlib.sha256()

    def record(self, ticket: Ticket, decision: Decision) -> None:
        """Append a ticket's masked line to the trail."""
        text = self.redact(ticket)
        line = f"{ticket.received.isoformat()} {ticket.reference} {decision.team} p{decision.priority} {text!r}"
        self._digest.update(line.encode())
        self.lines.append(f"{line} {self._digest.hexdigest()[:12]}")

    def redact(self, ticket: Ticket) -> str:
        """Return the ticket's text with its sensitive terms masked."""
        terms = "|".join(re.escape(term) for term in sensitive_terms(ticket))
        pattern = re.compile(rf"(?<![\w.@+-])(?:{terms})(?![\w.@+-])", re.IGNORECASE)
        return pattern.sub(MASK, ticket.text)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()
