"""Others write meanwhile, processes are killed, answers lost, keys grow old: nothing is lost and nothing nested."""

from __future__ import annotations

from itertools import count
from threading import Event, Thread
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.keys.age import MAX_AGE_SECONDS
from shared.model import OPEN_SINCE, POLICY, SOURCE
from shared.policy.verify import key_ids
from shared.reencrypt.item import ATTEMPTS
from shared.reencrypt.model import Fate, Mended
from shared.reencrypt.parts import ATTRIBUTES_PER_UPDATE
from shared.source_position import FOUND


class Killed(BaseException):
    """What no code catches, as a process that is killed."""


def once(action):
    """A hook that acts the first time only."""
    calls = count()
    return lambda update: action() if next(calls) == 0 else None


def test_a_lost_race_is_not_an_error_and_the_newer_record_stays(world):
    world.put(ssn={"S": "old"}, at=1)
    world.rotate("pii")
    world.table.before_update = once(lambda: world.put(ssn={"S": "new"}, at=2))

    assert [Mended("acme", "1", Fate.CLEAN)] == world.mend()

    assert {"ssn": {"S": "new"}} == world.opened()


def test_after_a_lost_race_is_decided_anew_on_what_stands_there(world):
    world.put(ssn={"S": "old"}, at=1)
    stale_writer = world.writer
    world.rotate("pii")
    world.writer = stale_writer  # one that has not yet heard of the new key
    world.table.before_update = once(lambda: world.put(ssn={"S": "new"}, card={"S": "c"}, at=2))

    assert [Mended("acme", "1", Fate.MENDED, reencrypted_values=1)] == world.mend()

    assert {"ssn": {"S": "new"}, "card": {"S": "c"}} == world.opened()
    assert world.store.active_key_id("acme", "pii") in world.keys_of()


def test_a_change_beside_the_value_in_the_same_list_is_a_lost_race(world):
    world.put(contacts={"L": [{"M": {"email": {"S": "a"}}}, {"M": {"email": {"S": "b"}}}]})
    world.rotate("pii")

    def remove_the_first() -> None:
        world.item()["contacts"] = {"L": world.item()["contacts"]["L"][1:]}

    world.table.before_update = once(remove_the_first)

    assert [Mended("acme", "1", Fate.MENDED, reencrypted_values=1)] == world.mend()
    assert {"contacts": {"L": [{"M": {"email": {"S": "b"}}}]}} == world.opened()


def test_another_source_position_is_a_lost_race_though_the_values_are_the_same(world):
    world.put(ssn={"S": "x"}, at=1)
    world.rotate("pii")
    later = {"B": FOUND.to_bytes()}

    def move() -> None:
        world.item()[SOURCE] = later

    world.table.before_update = once(move)
    world.mend()
    assert later == world.item()[SOURCE]
    assert 2 == len(world.table.updates)


def test_an_item_that_others_keep_writing_is_left_for_later(world):
    world.table.write("acme", "1", ssn={"S": "0"})
    numbers = count(1)
    world.table.before_update = lambda update: world.table.write("acme", "1", ssn={"S": str(next(numbers))})

    [mended] = world.mend()

    assert Fate.RETRY is mended.fate
    assert ATTEMPTS == len(world.table.updates)


def test_an_item_that_is_removed_meanwhile_stays_removed(world):
    world.put(ssn={"S": "x"})
    world.rotate("pii")
    world.table.before_update = once(world.table.items.clear)
    assert [Mended("acme", "1", Fate.CLEAN)] == world.mend()
    assert {} == world.table.items


def test_a_write_whose_answer_was_lost_is_told_as_done(world):
    world.put(ssn={"S": "x"})
    world.rotate("pii")
    update = world.table.update

    class Repeating:
        def update(self, written):
            update(written)
            return update(written)

    mended = world.make_reencryptor(updates=Repeating()).mend(world.candidates())
    assert [Mended("acme", "1", Fate.MENDED, reencrypted_values=1)] == mended
    assert {"ssn": {"S": "x"}} == world.opened()


def test_a_write_that_was_stored_though_it_failed_is_clean_the_next_time(world):
    def fail(update: Any) -> None:
        raise StoreUnavailable("the answer is lost")

    world.put(ssn={"S": "x"})
    world.rotate("pii")
    world.table.after_update = fail
    assert [Fate.RETRY] == [one.fate for one in world.mend()]
    assert [Fate.CLEAN] == [one.fate for one in world.mend()]


MANY = 2 * ATTRIBUTES_PER_UPDATE + 1


def wide_item(world) -> dict[str, Any]:
    """More than two updates' worth, some of it sealed under an old key."""
    world.put(**{f"a{number}": {"S": str(number)} for number in range(MANY)})
    world.rotate("restricted")
    image = {name: value for name, value in world.item().items() if name not in {SOURCE, POLICY}}
    world.table.items["acme", "1"] = {**image, "a0": {"S": "0"}, "ssn": {"S": "in clear"}}
    return {**{f"a{number}": {"S": str(number)} for number in range(MANY)}, "ssn": {"S": "in clear"}}


def test_what_is_too_wide_for_one_update_is_mended_in_several_and_the_system_attributes_come_last(world):
    content = wide_item(world)

    assert [Mended("acme", "1", Fate.MENDED, MANY - 1, 2)] == world.mend(open_since=5.0)

    assert content == world.opened()
    assert [100, 100, 2 + 3] == [len(update.changes) for update in world.table.updates]
    assert {"a0", "ssn", SOURCE, POLICY, OPEN_SINCE} == set(world.table.updates[-1].changes)


@pytest.mark.parametrize("kill_before", [0, 1, 2])
@pytest.mark.parametrize("answered", [True, False])
def test_who_is_killed_between_two_updates_leaves_an_item_that_is_mended_the_next_time(world, kill_before, answered):
    content = wide_item(world)
    calls = count()

    def kill(update: Any) -> None:
        if next(calls) == kill_before:
            raise Killed

    setattr(world.table, "before_update" if answered else "after_update", kill)
    with pytest.raises(Killed):
        world.mend(open_since=5.0)
    assert content == world.opened()

    [mended] = world.mend(open_since=5.0)

    done = kill_before + (not answered)
    assert (Fate.CLEAN if done == 3 else Fate.MENDED) is mended.fate
    assert content == world.opened()
    assert ({"B": FOUND.to_bytes()}, {"N": "5"}) == (world.item()[SOURCE], world.item()[OPEN_SINCE])
    assert {world.store.active_key_id("acme", name) for name in ("restricted", "pii")} == world.keys_of()


def test_a_race_that_is_lost_between_two_updates_is_decided_anew(world):
    wide_item(world)
    calls = count()
    world.table.before_update = lambda update: world.put(ssn={"S": "new"}, at=2) if next(calls) == 1 else None
    [mended] = world.mend()
    assert (Fate.MENDED, 100) == (mended.fate, mended.reencrypted_values)  # the first update was stored all the same
    assert {"ssn": {"S": "new"}} == world.opened()


def test_what_was_sealed_under_a_key_that_is_too_old_by_now_is_sealed_anew_and_never_sent(world):
    world.put(ssn={"S": "x"})
    world.rotate("pii")
    checks = count()
    is_fresh = type(world.mender).is_fresh

    class Slow:
        """The world's keyring, but time passes between sealing and the first look at the key's age."""

        def __getattr__(self, name):
            return getattr(world.mender, name)

        def is_fresh(self, data_key):
            if next(checks) == 0:
                world.clock.advance(MAX_AGE_SECONDS)
                self.replaced = world.rotate("pii")
            return is_fresh(world.mender, data_key)

    keyring = Slow()

    mended = world.make_reencryptor(keyring=keyring).mend(world.candidates())

    assert [Fate.MENDED] == [one.fate for one in mended]
    assert {keyring.replaced[1]} == world.keys_of()
    assert 1 == len(world.table.updates)


def test_keys_that_are_always_too_old_end_as_a_retry(world):
    world.put(ssn={"S": "x"})
    world.rotate("pii")

    class Stopped:
        def __getattr__(self, name):
            return getattr(world.mender, name)

        def is_fresh(self, data_key):
            return False

    assert [Fate.RETRY] == [one.fate for one in world.make_reencryptor(keyring=Stopped()).mend(world.candidates())]
    assert [] == world.table.updates


def test_age_is_looked_at_before_each_of_several_updates(world):
    content = wide_item(world)
    replaced = []

    def grow_old() -> None:
        world.clock.advance(MAX_AGE_SECONDS)
        replaced.append(world.rotate("restricted"))

    world.table.after_update = once(grow_old)

    assert [Fate.MENDED] == [one.fate for one in world.mend()]

    [(first, later)] = replaced
    assert [{first}, {later}, {later}] == [
        {key_id for change in update.changes.values() for key_id in key_ids({"": change.after})}
        - {world.store.active_key_id("acme", "pii")}
        for update in world.table.updates
    ]
    assert content == world.opened()


def test_two_who_mend_the_same_items_at_once_nest_nothing(world):
    for number in range(8):
        world.put(str(number), ssn={"S": str(number)}, card={"S": "c"})
    world.rotate("pii")
    candidates = world.candidates() * 3

    mended = world.reencryptor.mend(candidates)

    assert {Fate.MENDED, Fate.CLEAN} >= {one.fate for one in mended}
    assert 8 == sum(one.reencrypted_values for one in mended)
    for number in range(8):
        assert {"ssn": {"S": str(number)}, "card": {"S": "c"}} == world.opened(str(number))


def test_under_concurrent_writes_each_item_ends_as_its_newest_record(world):
    items, last = [str(number) for number in range(6)], 40
    for item_id in items:
        world.put(item_id, ssn={"S": "0"}, contacts={"L": [{"M": {"email": {"S": "0"}}}]}, at=1)
    done = Event()

    def write() -> None:
        for number in range(1, last + 1):
            for item_id in items:
                value = {"S": str(number)}
                world.put(item_id, ssn=value, contacts={"L": [{"M": {"email": value}}] * (number % 3)}, at=number + 1)
        done.set()

    def rotate() -> None:
        while not done.is_set():
            world.rotate("pii")
            for mended in world.mend():
                assert mended.fate is not Fate.LEFT

    threads = [Thread(target=write), Thread(target=rotate)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.mend()

    value = {"S": str(last)}
    expected = {"ssn": value, "contacts": {"L": [{"M": {"email": value}}] * (last % 3)}}
    assert [expected] * len(items) == [world.opened(item_id) for item_id in items]
    assert {world.store.active_key_id("acme", "pii")} == set().union(*map(world.keys_of, items))
