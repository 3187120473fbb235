"""What the redriver tells: audit events of what was put back or given up, metrics of each batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumers.encryptor.report import emit_metrics, report_quarantined
from consumers.encryptor.results import BatchResult
from shared.keys.keyring import Keyring
from shared.model import EntryState, HeldEntry, Outcome
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.rereading import Reread


@dataclass(frozen=True, slots=True)
class Telling:
    """Writes events and metrics; what is told before something is given up for good is in the trail by then."""

    keyring: Keyring
    audit_log: AuditLog
    wall: Callable[[], float] = time.time

    def timed(self, work: Callable[[], BatchResult], *, stays: bool = False) -> BatchResult:
        """Do a batch's work and tell of it.

        Args:
            work: what is done.
            stays: what it rejects lies in quarantine already.

        Raises:
            StoreUnavailable: it is not in the audit trail.
        """
        started = self.wall()
        result = work()
        ended = self.wall()
        if not stays:
            report_quarantined(result, self.audit_log, at=ended)
        emit_metrics(result, self.keyring.take_counts(), started=started, ended=ended)
        self.audit_log.flush()  # a call has many batches
        return result

    def stretch(
        self,
        event: AuditEvent,
        shard_id: str,
        came: Reread,
        outcomes: Mapping[str, int],
        *,
        ahead: Sequence[str],
        request_id: str,
        at: float,
    ) -> None:
        """Tell of what was read again or, where nothing before it passed, of what was written ahead, if there was any.

        Args:
            event: `stream.replayed`; of a dead letter's records, `record.redriven`.
            shard_id: whose records they are.
            came: how far the call came.
            outcomes: of the records.
            ahead: sequence numbers of those that it wrote ahead.
            request_id: of the invocation.
            at: seconds since the epoch.
        """
        first, last = came.first or min(ahead, key=int, default=None), came.last or max(ahead, key=int, default=None)
        if first is None or last is None:
            return
        self.audit_log.write(
            event,
            event_id=event_id(event, shard_id, first, last, request_id),
            at=at,
            shard_id=shard_id,
            first_sequence_number=first,
            last_sequence_number=last,
            kinesis_records=came.records,
            written_ahead=len(ahead),
            request_id=request_id,
            **{outcome.value: outcomes[outcome] for outcome in Outcome},
        )

    def decided(self, entry: HeldEntry, outcomes: Mapping[Outcome, int], *, request_id: str) -> None:
        """Tell of an entry that was decided about; told again, the event has the same id.

        Args:
            entry: with its decision.
            outcomes: of its records, where this call put them back; empty where an earlier one did.
            request_id: of the invocation.

        Raises:
            StoreUnavailable: it is not in the audit trail.
        """
        at = entry.decided_at or 0.0
        is_redriven = entry.state is EntryState.REDRIVEN
        counts: dict[str, Any] = {outcome.value: count for outcome, count in outcomes.items()}
        self.audit_log.write(
            AuditEvent.RECORD_REDRIVEN if is_redriven else AuditEvent.RECORD_DISCARDED,
            event_id=event_id(entry.state, entry.quarantine_id, f"{at:.3f}"),
            at=at,
            quarantine_id=entry.quarantine_id,
            reason=entry.reason,
            request_id=request_id,
            **(counts if is_redriven else {"record_count": entry.record_count}),
        )
        self.audit_log.flush()

    def put_back_undecided(
        self, entry: HeldEntry, outcomes: Mapping[Outcome, int], *, request_id: str, at: float
    ) -> None:
        """Tell of records that were written though others of their entry stay held, or somebody else decided."""
        self.audit_log.write(
            AuditEvent.RECORD_REDRIVEN,
            event_id=event_id(AuditEvent.RECORD_REDRIVEN, entry.quarantine_id, request_id),
            at=at,
            quarantine_id=entry.quarantine_id,
            reason=entry.reason,
            request_id=request_id,
            **{outcome.value: count for outcome, count in outcomes.items()},
        )
