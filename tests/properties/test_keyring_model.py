"""Two processes' keyrings, whatever happens around them, against a model of what they may know.

The model keeps, for every key, when it was active and when its state changed. A keyring may be up to 300 s behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.errors import KeyDestroyed, KeyRetired, KeyServiceUnavailable, SealstreamError
from shared.keys.keyring import DataKey, Keyring
from shared.model import KeyState
from tests.fakes.clock import FakeClock
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.rotation import replace_active_key

MAX_AGE = 300
MAX_KEYS = 3
PAIRS = st.tuples(st.sampled_from(["tenant-1", "tenant-2"]), st.sampled_from(["pii", "pci"]))
PROCESSES = st.integers(0, 1)
OPENING_STATES = frozenset({KeyState.ACTIVE, KeyState.DECRYPT_ONLY})


@dataclass
class KnownKey:
    """A key of the model; times are monotonic seconds."""

    tenant_id: str
    data_class: str
    key_id: int
    sealed: bytes
    state: KeyState = KeyState.ACTIVE
    active_until: float = field(default=float("inf"))
    opens_until: float = field(default=float("inf"))


class KeyringAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.store = FakeKeyStore()
        self.service = FakeKeyService()
        self.keyrings = [
            Keyring(
                store=self.store,
                service=self.service,
                dataset="customers",
                trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
                max_keys=MAX_KEYS,
                wall=self.clock.wall,
                monotonic=self.clock.monotonic,
            )
            for _ in range(2)
        ]
        self.keys: dict[tuple[str, int], KnownKey] = {}
        self.active: dict[tuple[str, str], KnownKey] = {}
        self.given: list[tuple[Keyring, DataKey, float]] = []

    @rule(process=PROCESSES, pair=PAIRS)
    def seal(self, process: int, pair: tuple[str, str]) -> None:
        keyring = self.keyrings[process]
        try:
            key = keyring.active(*pair)
        except KeyServiceUnavailable:
            assert self.service.fail_with is not None
            return
        known = self.keys.get((pair[0], key.key_id))
        if known is None:
            assert pair not in self.active, "a second key was made"
            known = KnownKey(*pair, key.key_id, key.cipher.seal(b"value", b"place"))
            self.keys[pair[0], key.key_id] = self.active[pair] = known
        assert pair == (known.tenant_id, known.data_class)
        assert self.clock.monotonic() < known.active_until + MAX_AGE
        assert keyring.is_fresh(key)
        self.given.append((keyring, key, self.clock.monotonic()))

    @precondition(lambda self: self.keys)
    @rule(process=PROCESSES, data=st.data(), prefetched=st.booleans())
    def open(self, process: int, data: st.DataObject, prefetched: bool) -> None:
        known = data.draw(st.sampled_from(list(self.keys.values())))
        keyring = self.keyrings[process]
        try:
            if prefetched:
                keyring.prefetch(known.tenant_id, [known.key_id])
            key = keyring.opener(known.tenant_id, known.key_id)
        except SealstreamError as refusal:
            self._check_refusal(known, refusal)
            return
        assert key.cipher.open(known.sealed, b"place") == b"value"
        assert self.clock.monotonic() < known.opens_until + MAX_AGE

    def _check_refusal(self, known: KnownKey, refusal: SealstreamError) -> None:
        expected = {KeyState.RETIRED: KeyRetired, KeyState.DESTROYED: KeyDestroyed}
        if known.state in expected:
            assert isinstance(refusal, expected[known.state])
        else:
            assert isinstance(refusal, KeyServiceUnavailable)
            assert self.service.fail_with is not None

    @precondition(lambda self: self.active and self.service.fail_with is None)
    @rule(data=st.data())
    def rotate(self, data: st.DataObject) -> None:
        pair = data.draw(st.sampled_from(list(self.active)))
        old = self.active[pair]
        old.state, old.active_until = KeyState.DECRYPT_ONLY, self.clock.monotonic()
        key_id = replace_active_key(self.store, self.service, *pair)
        reader = Keyring(
            store=self.store,
            service=self.service,
            dataset="customers",
            trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
        )
        sealed = reader.opener(pair[0], key_id).cipher.seal(b"value", b"place")
        self.keys[pair[0], key_id] = self.active[pair] = KnownKey(*pair, key_id, sealed)

    @precondition(lambda self: any(key.state is not KeyState.ACTIVE for key in self.keys.values()))
    @rule(data=st.data(), state=st.sampled_from([KeyState.DECRYPT_ONLY, KeyState.RETIRED, KeyState.DESTROYED]))
    def change_state(self, data: st.DataObject, state: KeyState) -> None:
        replaced = [key for key in self.keys.values() if key.state is not KeyState.ACTIVE]
        known = data.draw(st.sampled_from(replaced))
        if known.state in OPENING_STATES and state not in OPENING_STATES:
            known.opens_until = self.clock.monotonic()
        if state in OPENING_STATES:
            known.opens_until = float("inf")
        known.state = state
        self.store.set_state(known.tenant_id, known.key_id, state)

    @rule(seconds=st.sampled_from([1, 150, 299, 300, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([-3600, -1, 1, 3600]))
    def wall_clock_is_set(self, seconds: int) -> None:
        self.clock.wall_seconds += seconds

    @rule(down=st.booleans())
    def kms_goes_down_or_comes_back(self, down: bool) -> None:
        self.service.fail_with = KeyServiceUnavailable("down") if down else None

    @invariant()
    def nothing_that_is_too_old_counts_as_fresh(self) -> None:
        now = self.clock.monotonic()
        for keyring, key, given_at in self.given:
            if now >= given_at + MAX_AGE:
                assert not keyring.is_fresh(key)

    @invariant()
    def a_class_has_one_active_key(self) -> None:
        active = [(row.tenant_id, row.data_class) for row in self.store.all_rows() if row.state is KeyState.ACTIVE]
        assert len(active) == len(set(active))

    @invariant()
    def no_more_keys_are_kept_than_allowed(self) -> None:
        for keyring in self.keyrings:
            assert len(keyring._active) <= MAX_KEYS
            assert len(keyring._by_id) <= MAX_KEYS


TestKeyringAgainstModel = KeyringAgainstModel.TestCase
TestKeyringAgainstModel.settings = settings(stateful_step_count=30)
