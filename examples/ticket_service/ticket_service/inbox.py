"""A deterministic inbox: the same accounts and tickets for the same seed, in place of the mail gateway."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Dict, Iterator, List, Tuple

from .tickets import Account, Ticket

_ACCOUNTS = 240
_TERMS_PER_ACCOUNT = 96
_FIRST_NAMES = "Amara Bjorn Chidi Dolores Emeka Farah Goran Hana Ines Jonas Keiko Lamar Mirela Nadia Otto Priya".split()
_LAST_NAMES = "Adeyemi Bauer Castillo Dubois Eriksen Fontaine Gupta Haddad Ivanov Jansen Kowalski Lindqvist".split()
_SYLLABLES = "ar bel cor dun el far gal hol is jor kar lun mor nel or pel quin ros sel tor ur vel wyn zan".split()

VOCABULARY: Dict[str, List[str]] = {
    "billing": "invoice payment refund charged card receipt subscription price tax renewal amount credit".split(),
    "identity": "password login account locked reset token session sign single factor expired breach".split(),
    "network": "timeout latency connection proxy certificate outage packet gateway route unreachable down".split(),
    "data": "export import report column missing duplicate rows dashboard chart filter query wrong".split(),
    "mobile": "phone tablet crash screen battery notification update install version freeze swipe".split(),
    "hardware": "printer scanner label badge reader cable replacement shipment broken serial warranty".split(),
}
_FILLER = (
    "since yesterday our people cannot work and we have tried everything that the manual says please tell us "
    "what to do next because customers are waiting and the production team asks every hour when it will be solved "
    "we saw the same thing last month but it went away by itself after a restart of the service"
).split()


def training_examples(seed: int = 11) -> Iterator[Tuple[str, List[str]]]:
    """Yield labelled word lists for the classifier."""
    rng = random.Random(seed)
    for team, words in VOCABULARY.items():
        for _ in range(60):
            yield team, rng.choices(words, k=12) + rng.choices(_FILLER, k=24)


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=3))


def _accounts(rng: random.Random) -> List[Account]:
    accounts = []
    for number in range(_ACCOUNTS):
        terms = frozenset(f"{_word(rng)}-{rng.randrange(10, 99)}" for _ in range(_TERMS_PER_ACCOUNT))
        accounts.append(Account(number=number, name=_word(rng).title(), sensitive_terms=terms))
    return accounts


def tickets(count: int, seed: int = 7) -> Iterator[Ticket]:
    """Yield ``count`` tickets, each from a random person at a random account."""
    rng = random.Random(seed)
    accounts = _accounts(rng)
    received = datetime(2026, 3, 2, 8, 0)
    for serial in range(count):
        account = rng.choice(accounts)
        first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
        words = VOCABULARY[rng.choice(list(VOCABULARY))]
        secrets = rng.choices(sorted(account.sensitive_terms), k=3)
        body = rng.choices(_FILLER, k=40) + rng.choices(words, k=10) + secrets + [last]
        rng.shuffle(body)
        received += timedelta(seconds=rng.randrange(5, 240))
        yield Ticket(
            reference=f"T-{serial:06d}",
            account=account,
            requester=f"{first} {last}",
            requester_email=f"{first}.{last}{serial}@{account.name}.example".lower(),
            received=received,
            subject=" ".join(rng.choices(words, k=4)),
            body=" ".join(body),
        )
