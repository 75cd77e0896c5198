"""A support desk's ticket service: read a ticket, decide which team answers it, audit it, reply."""
