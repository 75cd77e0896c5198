"""The ticket service as it was deployed."""

from ticket_service.audit import AuditLogger
from ticket_service.service import main

if __name__ == "__main__":
    main(AuditLogger())
