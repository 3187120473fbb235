"""Entries of the quarantine, put back through the encryptor or given up.

A decision is taken once every record of the entry is done, told, and then carried out: the content is deleted. What is
cut off is carried out, and told under the same id, by whoever asks again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from consumers.encryptor.again.content import kept_shard, kept_source, open_content, records_of
from consumers.encryptor.again.telling import Telling
from consumers.encryptor.batch import Encryptor, Received
from consumers.encryptor.deaggregate import Rejected
from consumers.encryptor.placing import TOO_FAR_BACK, Terms
from shared.errors import Reason, RetryLater, SealstreamError
from shared.keys.keyring import Keyring
from shared.model import REDRIVE_SECONDS, EntryState, HeldEntry, Outcome, QuarantineEntry
from shared.runtime.batch import attempt
from shared.runtime.log import log_failure

GONE: Final = "gone"
TOO_OLD: Final = "too_old"
_TOO_OLD: Final = f"{{}} more than {REDRIVE_SECONDS // 86_400} days ago: what was deleted since could come back"


class EntryStore(Protocol):
    """Where entries lie; see `shared.aws.held_entries`. Each call may raise StoreUnavailable."""

    def find(self, quarantine_id: str) -> HeldEntry | None:
        """The entry as it is now; raises QuarantineCorrupt, too."""

    def content(self, entry: HeldEntry) -> bytes | None:
        """Its sealed content; None where it is gone."""

    def hold(self, entry: HeldEntry, reason: Reason, detail: str) -> bool:
        """Say why it is held now; False where it is not held any more."""

    def decide(self, entry: HeldEntry, state: EntryState, at: float) -> bool:
        """Decide about it; False where it is not held any more."""

    def carry_out(self, entry: HeldEntry) -> None:
        """Delete the content of one that was decided about."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an entry.

    Attributes:
        state: an EntryState, GONE or TOO_OLD.
        outcomes: of its records, where they went through the encryptor.
        reason: why it is held, if it is.
        is_unfinished: the same call may come further later; it has to be repeated.
    """

    state: str
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""
    is_unfinished: bool = False

    def answer(self) -> dict[str, Any]:
        """As JSON has it."""
        outcomes = {outcome.value: count for outcome, count in self.outcomes.items()}
        return {
            "state": str(self.state),
            "outcomes": outcomes,
            "reason": str(self.reason),
            "detail": self.detail,
            "retry": self.is_unfinished,
        }


@dataclass(frozen=True, slots=True)
class Entries:
    """Decides about entries."""

    encryptor: Encryptor
    held: EntryStore
    keyring: Keyring
    dataset: str
    telling: Telling
    wall: Callable[[], float] = time.time

    def redrive(self, quarantine_id: str, *, request_id: str, seconds_left: Callable[[], float]) -> Fate:
        """Put an entry's records back; what is rejected again leaves it held, with its present reason."""

        def put_back(entry: HeldEntry) -> Fate:
            oldest = self.wall() - REDRIVE_SECONDS
            if entry.arrived_at < oldest:
                return Fate(TOO_OLD, reason=entry.reason, detail=_TOO_OLD.format("it arrived"))
            sealed = self.held.content(entry)
            if sealed is None:
                return Fate(GONE, reason=entry.reason, detail="its content is not there")
            content = open_content(entry, sealed, self.keyring, self.dataset)
            records, shards = records_of(entry, content), kept_shard(content) or self.encryptor.shards
            source = kept_source(content["M"])
            if source is not None and source.modified < oldest:  # bound to the entry; when its row arrived, is not
                return Fate(TOO_OLD, reason=entry.reason, detail=_TOO_OLD.format("its object was made"))
            again = replace(self.encryptor, shards=shards)
            still = self._through(again, entry, records, self._terms(entry, oldest), seconds_left)
            if still.outcomes[Outcome.RETRY] or still.rejected:
                return self._stays(entry, still, request_id)
            return self._decided(entry, EntryState.REDRIVEN, still.outcomes, request_id)

        return self._settle(quarantine_id, put_back, request_id)

    def discard(self, quarantine_id: str, *, request_id: str) -> Fate:
        """Give an entry up."""
        return self._settle(
            quarantine_id, lambda entry: self._decided(entry, EntryState.DISCARDED, {}, request_id), request_id
        )

    def _settle(self, quarantine_id: str, work: Callable[[HeldEntry], Fate], request_id: str) -> Fate:
        fates: list[Fate] = []

        def find_and_work() -> None:
            entry = self.held.find(quarantine_id)
            if entry is None:
                fates.append(Fate(GONE, detail="there is no such entry"))
            elif entry.state is EntryState.HELD:
                fates.append(work(entry))
            else:
                fates.append(self._carried_out(entry, {}, request_id))

        def known_errors_said() -> None:
            try:
                find_and_work()
            except SealstreamError as error:
                log_failure(error, quarantine_id=quarantine_id)
                fates.append(Fate(EntryState.HELD, detail=str(error), is_unfinished=isinstance(error, RetryLater)))

        attempt(quarantine_id, known_errors_said, named="quarantine_id")
        return fates[0] if fates else Fate(EntryState.HELD, detail="an error that nobody foresaw; see the log")

    def _terms(self, entry: HeldEntry, oldest: float) -> Terms:
        was_misplaced = Reason.MISPLACED in {entry.reason, entry.kept_reason}
        return Terms(order_reference=self.wall(), order_not_before=oldest, only_if_absent=was_misplaced)

    def _through(
        self,
        encryptor: Encryptor,
        entry: HeldEntry,
        records: Sequence[Received],
        terms: Terms,
        seconds_left: Callable[[], float],
    ) -> _StillHeld:
        still = _StillHeld(entry)
        result = self.telling.timed(
            lambda: replace(encryptor, quarantine=still).settle(
                records, stream_arn=entry.stream_arn, seconds_left=seconds_left, terms=terms
            ),
            stays=True,
        )
        still.outcomes.update(result.outcomes())
        return still

    def _stays(self, entry: HeldEntry, still: _StillHeld, request_id: str) -> Fate:
        self._tell_written(entry, still.outcomes, request_id)
        waits = still.outcomes[Outcome.RETRY] > 0
        if not still.rejected:
            detail = "some records did not pass for now: ask again"
            return Fate(EntryState.HELD, still.outcomes, entry.reason, detail, is_unfinished=waits)
        too_old = [one for one in still.rejected if one.error.detail == TOO_FAR_BACK]
        held = [one for one in still.rejected if one.error.detail != TOO_FAR_BACK]
        what = f"{len(too_old)} of {still.outcomes.total()} records: " + _TOO_OLD.format("an order time lies")
        if not held:
            return Fate(TOO_OLD, still.outcomes, entry.reason, what, is_unfinished=waits)
        first = min(held, key=lambda one: one.record.sub_sequence).error
        is_news = (first.reason, first.detail) != (entry.reason, entry.detail)
        if is_news and not self.held.hold(entry, first.reason, first.detail):
            return self._decided_by_another(entry, still.outcomes)
        detail = f"{first.detail}; {what}" if too_old else first.detail
        return Fate(EntryState.HELD, still.outcomes, first.reason, detail, is_unfinished=waits)

    def _decided(self, entry: HeldEntry, state: EntryState, outcomes: Mapping[Outcome, int], request_id: str) -> Fate:
        at = self.wall()
        if self.held.decide(entry, state, at):
            return self._carried_out(replace(entry, state=state, decided_at=at), outcomes, request_id)
        self._tell_written(entry, outcomes, request_id)
        return self._decided_by_another(entry, outcomes)

    def _tell_written(self, entry: HeldEntry, outcomes: Mapping[Outcome, int], request_id: str) -> None:
        """Tell of what was written though this call does not decide about the entry."""
        if outcomes.get(Outcome.WRITTEN):
            self.telling.put_back_undecided(entry, outcomes, request_id=request_id, at=self.wall())

    def _decided_by_another(self, entry: HeldEntry, outcomes: Mapping[Outcome, int]) -> Fate:
        now = self.held.find(entry.quarantine_id)
        return Fate(now.state if now else GONE, outcomes, detail="somebody else decided about it meanwhile")

    def _carried_out(self, entry: HeldEntry, outcomes: Mapping[Outcome, int], request_id: str) -> Fate:
        if entry.object_key:
            try:
                self.telling.decided(entry, outcomes, request_id=request_id)
                self.held.carry_out(entry)
            except RetryLater as error:
                log_failure(error, quarantine_id=entry.quarantine_id)
                return Fate(entry.state, outcomes, detail=str(error), is_unfinished=True)
        return Fate(entry.state, outcomes)


class _StillHeld:
    """Takes the place of the quarantine: what is rejected again stays where it is."""

    def __init__(self, entry: HeldEntry) -> None:
        self.rejected: list[Rejected] = []
        self.outcomes: Counter[Outcome] = Counter()
        self._entry = entry

    def keep(self, rejected: Sequence[Rejected], *, stream_arn: str) -> QuarantineEntry:
        self.rejected += rejected
        first, entry = rejected[0], self._entry
        return QuarantineEntry(
            quarantine_id=entry.quarantine_id,
            reason=first.error.reason,
            detail=first.error.detail,
            tenant_id=first.tenant_id,
            stream_arn=stream_arn,
            shard_id=entry.shard_id,
            sequence_number=entry.sequence_number,
            arrived_at=entry.arrived_at,
            record_count=len(rejected),
            sealed_content=b"",
        )
