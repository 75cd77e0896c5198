"""The reply that goes back to the person who wrote."""

from __future__ import annotations

import json
import textwrap
from datetime import timedelta
from typing import Dict

from .tickets import Decision, Ticket

_HOURS_TO_ANSWER: Dict[int, int] = {1: 2, 2: 8, 3: 24}
_GREETING = "Hello {name},"
_PARAGRAPH = (
    "thank you for writing to us about “{subject}”. Your message has the reference {reference} and was given to "
    "our {team} team, who will answer by {due:%A %d %B at %H:%M}. You need not write again; a reply to this "
    "message is added to the same ticket."
)


def format_response(ticket: Ticket, decision: Decision) -> str:
    """Return the reply as the JSON document that the mail gateway takes."""
    due = ticket.received + timedelta(hours=_HOURS_TO_ANSWER[decision.priority])
    paragraph = _PARAGRAPH.format(
        subject=ticket.subject, reference=ticket.reference, team=decision.team, due=due
    )
    quoted = textwrap.indent(textwrap.fill(ticket.body, 72), "> ")
    body = "\n\n".join((_GREETING.format(name=ticket.requester.split()[0]), textwrap.fill(paragraph, 72), quoted))
    document = {
        "to": ticket.requester_email,
        "reference": ticket.reference,
        "subject": f"Re: {ticket.subject}",
        "team": decision.team,
        "priority": decision.priority,
        "confidence": round(decision.confidence, 6),
        "body": body,
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True)
