"""The ticket service with the audit logger repaired."""

from ticket_service.audit_compiled_once import CompiledOnceAuditLogger
from ticket_service.service import main

if __name__ == "__main__":
    main(CompiledOnceAuditLogger())
