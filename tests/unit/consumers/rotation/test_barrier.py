"""The barrier as a race: nothing that is written, however late, is left under a key that nobody opens.

An encryptor with real keyring, sealer and writer is held up at a chosen point while a whole rotation goes by: sweep and
census are the real ones, over the same table. With the barrier taken away the same race loses an item.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from consumers.encryptor.identify import identify
from consumers.encryptor.sealing import PlannedRecord, RecordSealer, plan_record
from consumers.encryptor.writing import Writer
from shared.decode import decode
from shared.errors import KeyRetired
from shared.keys.age import MAX_AGE_SECONDS
from shared.keys.barrier import BARRIER_SECONDS, LONGEST_FUNCTION_SECONDS
from shared.model import Attributes, ChangeKind, InboundRecord, ItemChange, KeyState, Outcome, SealedItem, VerdictKind
from shared.policy.verify import key_ids, verify
from shared.reencrypt.reencryptor import Candidate, Fate, Reencryptor
from shared.runs.model import Phase, Tally
from shared.scan.item_census import ItemCensus
from shared.scan.key_states import KeyStatesSince
from shared.sealing import SealedWithKeys
from tests.fakes.inline_executor import InlineExecutor
from tests.fakes.items import FakeItemTable
from tests.fakes.kinesis import FIRST_SEQUENCE
from tests.fakes.rotation_world import World

ACME, PII, ITEM = "acme", "pii", ("acme", "i-1")
WITHIN_CALLS_SECONDS = 20
"""Between the time that the new key's row names and the landing of the pointer; a keyring may read in between."""
SIGNED_FOR_SECONDS = 15 * 60
"""S3 takes a signed request for so long, longer than any other service that sealed data is sent to."""


class Stage:
    """A world with an items table, an encryptor that can be held up, and rotations that sweep and count it."""

    def __init__(self) -> None:
        self.world = World(is_local=True)
        self.table = FakeItemTable()
        self.reader = self.world.keyring()

    def process(self) -> Writer:
        """Another encrypting process, with a keyring of its own."""
        return Writer(self.table, RecordSealer(self.world.policy, self.world.keyring()))

    def record(self, ssn: str, sequence: int) -> PlannedRecord:
        payload = f'{{"tenant_id":"acme","id":"i-1","ssn":"{ssn}"}}'.encode()
        number = str(FIRST_SEQUENCE + sequence)
        record = InboundRecord(number, "shardId-0", 0, b"p", self.world.clock.wall(), payload)
        return plan_record(identify(record, decode(payload), self.world.policy), self.world.policy)

    def sweep(self) -> Tally:
        """Mend every item, as the sweeper does."""
        candidates = [Candidate(image) for image in self.table.items.values()]
        mended = self.reencryptor().mend(candidates)
        return Tally({"mended": sum(one.fate is Fate.MENDED for one in mended)})

    def census(self) -> Tally:
        """Count every item, as the sweeper does."""
        states = KeyStatesSince(self.world.store)
        return ItemCensus(self.world.policy, states).visit(list(self.table.items.values()))

    def reencryptor(self) -> Reencryptor:
        return Reencryptor(
            policy=self.world.policy,
            keyring=self.world.keyring(opens_retired=True),
            statuses=self.world.store,
            updates=self.table,
            reopen=self.world.reopen,
            pool=InlineExecutor(),
        )

    def to_barrier(self, **options: Any) -> str:
        """A rotation of everything, up to its barrier; its id."""
        run_id = str(self.world.begin(due=False, **options)["run_id"])
        self.world.advance(run_id)
        self.world.scanned(run_id, Phase.SWEEP, self.sweep())
        return run_id

    def to_end(self, run_id: str, *, before: float = inf) -> list[Any]:
        """The rest of it, from the barrier on: its last answer; none where it does not end before that time."""
        answer = self.world.advance(run_id)
        if answer["phase"] == "barrier" and self.world.clock.wall() + answer["wait_seconds"] >= before:
            return []
        return [self.world.drive(run_id, census=self.census)]

    def lost(self) -> list[tuple[str, str]]:
        """Items that hold a value under a key which readers refuse."""
        ended = {KeyState.RETIRED, KeyState.DESTROYED}
        return [
            place
            for place, image in self.table.items.items()
            if any(one.state in ended for one in self.world.store.statuses(place[0], key_ids(image)).values())
        ]

    def key_of(self, place: tuple[str, str] = ITEM) -> int:
        """The one data key that the item is sealed under."""
        (key_id,) = key_ids(self.table.items[place])
        return key_id

    def verdict(self, place: tuple[str, str] = ITEM) -> VerdictKind:
        """What the auditor says of the item as it stands."""
        image = self.table.items[place]
        change = ItemChange("1", ChangeKind.INSERT, *place, old=None, new=image, changed_at=self.world.clock.wall())
        states = self.world.store.statuses(place[0], key_ids(image))
        return verify(change, self.world.policy, states, {}).kind


class Paused:
    """A sealer that is held up after it has sealed."""

    def __init__(self, sealer: Any, meanwhile: Callable[[], None]) -> None:
        self.sealer = sealer
        self.meanwhile = meanwhile

    def seal(self, planned: PlannedRecord) -> SealedWithKeys:
        sealed: SealedWithKeys = self.sealer.seal(planned)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return sealed

    def is_fresh(self, sealed: SealedWithKeys) -> bool:
        return bool(self.sealer.is_fresh(sealed))

    def holds_the_same(self, item: SealedItem, found: Attributes) -> bool:
        return bool(self.sealer.holds_the_same(item, found))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_an_encryptor_that_slept_across_the_whole_rotation_seals_again_under_the_new_key(stage):
    process = stage.process()
    process.write(stage.record("1", 1))
    old = stage.key_of()

    def a_whole_rotation() -> None:
        assert stage.to_end(stage.to_barrier())[0]["verdict"] == "retired"

    process = Writer(stage.table, Paused(process.sealer, a_whole_rotation))
    assert process.write(stage.record("2", 2)).outcome is Outcome.WRITTEN
    assert stage.key_of() == stage.world.active_id(ACME, PII) != old
    assert [] == stage.lost()


LATEST_SECONDS = WITHIN_CALLS_SECONDS + MAX_AGE_SECONDS - 1 + LONGEST_FUNCTION_SECONDS + SIGNED_FOR_SECONDS
"""After the closing of the old key: when the request of `race` can land at the latest, by one clock."""


def race(stage: Stage, *, barrier_seconds: float, lands_after: float = LATEST_SECONDS) -> tuple[Any, int]:
    """A request, sealed at the last moment under a key that a rotation replaces, lands so long after the replacement.

    The keyring reads the pointer just before the new key takes it, some time after the time that the new key's row
    names, and its key is used for as long as it may. While the request is under way, the rotation goes on.

    Returns:
        The rotation's last answer, and the key that the request was sealed under.
    """
    world, process = stage.world, stage.process()
    old = world.first_keys((ACME, PII))[ACME, PII]
    ended: list[Any] = []

    def the_pointer_is_about_to_move() -> None:
        world.store.before_create = lambda: None
        world.clock.advance(WITHIN_CALLS_SECONDS)
        process.sealer.keyring.active(ACME, PII)  # type: ignore[attr-defined]

    world.store.before_create = the_pointer_is_about_to_move
    run_id = stage.to_barrier(barrier_seconds=barrier_seconds)
    lands_at = (world.row(ACME, old).closed_at or 0.0) + lands_after

    def under_way(_: object) -> None:
        stage.table.before_put = lambda item: None
        ended.extend(stage.to_end(run_id, before=lands_at))
        world.clock.advance(lands_at - world.clock.wall())

    world.clock.advance(MAX_AGE_SECONDS - 1)
    stage.table.before_put = under_way
    assert process.write(stage.record("1", 1)).outcome is Outcome.WRITTEN
    assert stage.key_of() == old
    return (ended or stage.to_end(run_id))[0], old


@pytest.mark.parametrize("lands_after", [LATEST_SECONDS, BARRIER_SECONDS])
def test_a_request_that_lands_before_the_barrier_falls_is_seen_by_the_census(stage, lands_after):
    answer, old = race(stage, barrier_seconds=BARRIER_SECONDS, lands_after=lands_after)

    assert (answer["verdict"], stage.world.row(ACME, old).state) == ("not_safe", KeyState.DECRYPT_ONLY)
    assert [(ACME, f"{old:08x}", 1)] == [
        (key["tenant_id"], key["key_id"], key["values"]) for key in answer["keys_left"]
    ]
    assert [] == stage.lost()
    stage.sweep()
    assert stage.world.rotate(kind="retirement", census=stage.census)["verdict"] == "retired"
    assert ([], stage.world.active_id(ACME, PII)) == (stage.lost(), stage.key_of())


@pytest.mark.parametrize("barrier_seconds", [0, LATEST_SECONDS - 1])
def test_without_the_barrier_the_same_race_loses_the_item(stage, barrier_seconds):
    answer, old = race(stage, barrier_seconds=barrier_seconds)

    assert answer["verdict"] == "retired"
    assert [ITEM] == stage.lost()
    with pytest.raises(KeyRetired):
        stage.reader.opener(ACME, old)


def test_the_barrier_has_room_for_what_the_race_takes():
    assert LATEST_SECONDS < BARRIER_SECONDS


def test_what_comes_even_later_is_found_its_key_reopened_and_the_item_mended(stage):
    _, old = race(stage, barrier_seconds=0)
    assert (stage.verdict(), [ITEM]) == (VerdictKind.MALFORMED, stage.lost())

    [mended] = stage.reencryptor().mend([Candidate(stage.table.items[ITEM])])

    assert (Fate.MENDED, VerdictKind.VERIFIED) == (mended.fate, stage.verdict())
    assert (KeyState.DECRYPT_ONLY, stage.world.clock.wall()) == (
        stage.world.row(ACME, old).state,
        stage.world.row(ACME, old).closed_at,
    )
    assert stage.world.keyring().opener(ACME, old).key_id == old
    assert ([], stage.world.active_id(ACME, PII)) == (stage.lost(), stage.key_of())
    assert 1 == len(stage.world.events("key.reopened"))
    assert stage.world.rotate(kind="retirement", census=stage.census)["verdict"] == "retired"


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_a_replayed_record_brings_no_retired_key_back(stage, sequence):
    process = stage.process()
    for number in (1, 2):
        process.write(stage.record(str(number), number))
    old = stage.key_of()
    assert stage.to_end(stage.to_barrier())[0]["verdict"] == "retired"

    outcome = process.write(stage.record(str(sequence), sequence)).outcome

    expected = {1: Outcome.SUPERSEDED, 2: Outcome.DUPLICATE, 3: Outcome.WRITTEN}
    assert expected[sequence] is outcome
    assert stage.key_of() == stage.world.active_id(ACME, PII) != old
    assert [] == stage.lost()
