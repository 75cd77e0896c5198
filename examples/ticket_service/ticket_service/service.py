"""The service: each ticket is tokenised, classified, audited and answered."""

from __future__ import annotations

import argparse
import hashlib
import time

from . import inbox
from .audit import AuditLogger
from .classifier import Classifier
from .responses import format_response
from .tickets import Ticket
from .tokeniser import tokenise


class TicketService:
    """Handles tickets one at a time."""

    def __init__(self, classifier: Classifier, audit: AuditLogger) -> None:
        self._classifier = classifier
        self._audit = audit

    def handle(self, ticket: Ticket) -> str:
        """Return the reply to a ticket, and leave its line in the audit trail."""
        words = tokenise(ticket.text)
        decision = self._classifier.classify(words)
        self._audit.record(ticket, decision)
        return format_response(ticket, decision)


def main(audit: AuditLogger) -> None:
    """Work off an inbox and print the throughput and a checksum of all replies and of the audit trail."""
    parser = argparse.ArgumentParser(description="Work off an inbox of support tickets.")
    parser.add_argument("--tickets", type=int, default=5000, help="how many tickets the inbox holds")
    count = parser.parse_args().tickets

    service = TicketService(Classifier(inbox.training_examples()), audit)
    waiting = list(inbox.tickets(count))
    replies = hashlib.sha256()
    started = time.perf_counter()
    for ticket in waiting:
        replies.update(service.handle(ticket).encode())
    seconds = time.perf_counter() - started
    print(f"{count} tickets in {seconds:.2f} s: {count / seconds:.0f} tickets a second")
    print(f"checksum {replies.hexdigest()[:16]}{audit.digest[:16]}")
