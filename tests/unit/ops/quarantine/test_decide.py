"""Entries are decided about by the redriver; what is left is listed."""

from __future__ import annotations

import json

import pytest

from ops.clock import Clock
from ops.errors import FunctionFailed, FunctionRefused
from ops.patience import LONGEST_PAUSE_SECONDS, PATIENCE_SECONDS
from ops.quarantine.decide import Ports, decide
from ops.quarantine.index import Selection
from ops.quarantine.rounds import ENTRIES_PER_CALL, Operation
from shared.errors import StoreUnavailable
from tests.fakes.clock import FakeClock
from tests.fakes.redriver import FakeRedriver
from tests.unit.ops.quarantine.world import IDS, FakeIndex, index

REDRIVEN = {"state": "redriven", "outcomes": {"written": 1, "retry": 0}, "reason": "", "detail": ""}
HELD = {"state": "held", "outcomes": {"quarantined": 1}, "reason": "too_deep", "detail": "at path a.b"}
WAITING = {"state": "held", "outcomes": {"retry": 1}, "reason": "not_json", "detail": "ask again", "retry": True}


@pytest.fixture
def redriver():
    return FakeRedriver(entries=dict.fromkeys(IDS, REDRIVEN))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def ports(redriver, clock):
    return Ports(index(), redriver, Clock(clock.wall, clock.monotonic, clock.advance))


@pytest.fixture
def done(ports, capsys):
    def run(*quarantine_ids, operation=Operation.REDRIVE, selection=Selection(), ask=None):  # noqa: B008 - frozen
        status = decide(operation, quarantine_ids, selection, ask=ask, ports=ports)
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def shown(ports, monkeypatch, capsys):
    def run(*quarantine_ids, operation=Operation.REDRIVE):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        status = decide(operation, quarantine_ids, Selection(), ask=None, ports=ports)
        return status, capsys.readouterr().out

    return run


def test_what_a_filter_means_is_redriven(redriver, done):
    status, lines = done(selection=Selection(reasons=("undeclared_attribute",)))

    assert 0 == status
    assert [{"operation": "redrive", "quarantine_ids": IDS[1:]}] == redriver.asked
    assert ["decided", "decided", "finished"] == [line["event"] for line in lines]
    assert ({"redriven": 2}, 2) == (lines[-1]["states"], lines[-1]["outcomes"]["written"])


def test_ids_are_asked_for_as_they_are_each_once(redriver, done):
    done(IDS[2], IDS[0], IDS[2], operation=Operation.DISCARD)
    assert [{"operation": "discard", "quarantine_ids": [IDS[2], IDS[0]]}] == redriver.asked


def test_what_is_rejected_again_is_listed_with_its_present_reason(redriver, shown):
    redriver.entries = {IDS[0]: REDRIVEN, IDS[1]: HELD}
    status, text = shown(*IDS[:2])

    assert 1 == status
    assert "entries: redriven 1, held 1" in text
    assert [IDS[1], "held", "too_deep", "at", "path", "a.b"] == text.splitlines()[-1].split()


@pytest.mark.parametrize("state", ["gone", "too_old", "discarded"])
def test_what_was_not_redriven_is_not_all_well(redriver, shown, state):
    redriver.entries = {IDS[0]: {"state": state}}
    status, text = shown(IDS[0])
    assert (1, True) == (status, f"entries: {state.replace('_', ' ')} 1" in text)


def test_what_was_discarded_before_is_discarded(redriver, shown):
    redriver.entries = {IDS[0]: {"state": "discarded"}}
    assert 0 == shown(IDS[0], operation=Operation.DISCARD)[0]


def test_many_are_asked_for_some_at_a_time(redriver, ports, done):
    ids = [f"{number:032x}" for number in range(60)]
    redriver.entries = dict.fromkeys(ids, REDRIVEN)

    assert 0 == done(*ids)[0]
    assert [25, 25, 10] == [len(one["quarantine_ids"]) for one in redriver.asked]
    assert ENTRIES_PER_CALL == 25


def test_what_a_call_did_not_get_to_is_asked_for_again(redriver, done):
    answered = redriver._redrive
    redriver._redrive = lambda payload: answered({"quarantine_ids": payload["quarantine_ids"][:2]})

    assert 0 == done(*IDS)[0]
    assert [IDS, IDS[2:]] == [one["quarantine_ids"] for one in redriver.asked]


def test_a_call_that_got_to_none_is_repeated(redriver, done):
    answered = redriver._redrive
    redriver._redrive = lambda payload: answered(payload) if len(redriver.asked) > 1 else {"entries": {}}

    status, lines = done(*IDS)

    assert (0, [IDS, IDS]) == (status, [one["quarantine_ids"] for one in redriver.asked])
    assert "of 3 entries none was reached" in [line.get("message") for line in lines]


def test_a_call_that_fails_is_repeated(redriver, done):
    def fails_at_first(payload):
        if len(redriver.asked) < 3:
            raise FunctionFailed("redriver: killed")

    redriver.before = fails_at_first
    status, lines = done(*IDS)
    assert (0, 2) == (status, sum(line["event"] == "trouble" for line in lines))


@pytest.mark.parametrize(
    "unfinished",
    [
        WAITING,
        {"state": "held", "outcomes": {}, "detail": "KMS does not answer", "retry": True},
        {"state": "redriven", "outcomes": {"written": 1}, "detail": "its content is still there", "retry": True},
    ],
    ids=["some do not pass", "nothing passed", "not carried out"],
)
def test_what_does_not_pass_for_now_is_tried_again(redriver, done, unfinished):
    redriver.entries = {IDS[0]: unfinished, IDS[1]: REDRIVEN}

    def mended(payload):
        if len(redriver.asked) == 4:
            redriver.entries = {IDS[0]: REDRIVEN}

    redriver.before = mended
    status, lines = done(*IDS[:2])

    assert 0 == status
    assert {"redriven": 2} == lines[-1]["states"]
    assert [IDS[:2], IDS[:1], IDS[:1], IDS[:1]] == [one["quarantine_ids"] for one in redriver.asked]


def test_records_that_never_pass_keep_no_other_waiting_and_are_listed(redriver, done):
    stuck = [f"a{number:031x}" for number in range(ENTRIES_PER_CALL)]
    redriver.entries = dict.fromkeys(stuck, WAITING) | dict.fromkeys(IDS, REDRIVEN)

    status, lines = done(*stuck, *IDS)

    assert 1 == status
    assert {"held": ENTRIES_PER_CALL, "redriven": 3} == lines[-1]["states"]


def test_what_does_not_pass_waits_for_all_others_and_then_for_some_seconds(redriver, done, clock):
    stuck, others = ([f"{kind}{number:031x}" for number in range(30)] for kind in "ab")
    redriver.entries = dict.fromkeys(stuck, WAITING) | dict.fromkeys(others, REDRIVEN)
    began, called_after = clock.monotonic(), []

    def one_passes_with_each_repeat(payload):
        called_after.append(clock.monotonic() - began)
        if called_after[-1]:
            redriver.entries |= {payload["quarantine_ids"][0]: REDRIVEN}

    redriver.before = one_passes_with_each_repeat
    assert 0 == done(*stuck, *others)[0]

    asked = [one["quarantine_ids"] for one in redriver.asked]
    assert ([*stuck, *others], stuck) == (sum(asked[:3], []), sum(asked[3:5], []))  # noqa: RUF017 - few
    pauses = [round(seconds / LONGEST_PAUSE_SECONDS) for seconds in called_after]
    assert [0, 0, 0, 1, 1, 2, 2] == pauses[:7]


def test_what_never_passes_is_asked_for_a_dozen_times(redriver, done):
    stuck, others = ([f"{kind}{number:031x}" for number in range(24)] for kind in "ab")
    redriver.entries = dict.fromkeys(stuck, WAITING) | dict.fromkeys(others, REDRIVEN)

    assert 1 == done(*stuck, *others)[0]
    sizes = [len(one["quarantine_ids"]) for one in redriver.asked]
    assert [25, 23, *[24] * 11] == sizes


def _outcomes(**counts):
    return dict.fromkeys(("written", "duplicate", "superseded", "quarantined", "retry"), 0) | counts


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([_outcomes(written=2, retry=1), _outcomes(duplicate=2, written=1)], {"written": 3}),
        ([_outcomes(duplicate=2, retry=1), _outcomes(duplicate=2, written=1)], {"duplicate": 2, "written": 1}),
        (
            [_outcomes(written=1, retry=2), _outcomes(duplicate=1, retry=2), _outcomes(duplicate=3)],
            _outcomes(written=1, duplicate=2),
        ),
        ([_outcomes(written=2, retry=1), _outcomes(superseded=2, written=1)], {"written": 3}),
        (
            [_outcomes(written=2, superseded=1, retry=1), _outcomes(duplicate=1, superseded=2, written=1)],
            {"written": 3, "superseded": 1},
        ),
        ([_outcomes(superseded=2, retry=1), _outcomes(superseded=2, written=1)], {"superseded": 2, "written": 1}),
        ([_outcomes(written=3), {}], {"written": 3}),
        ([_outcomes(written=2, retry=1), {}], {"written": 2}),
        ([_outcomes(written=2, retry=1), {}, _outcomes(duplicate=3)], {"written": 2, "duplicate": 1}),
    ],
    ids=[
        "wrote",
        "met",
        "twice",
        "overtaken",
        "some overtaken",
        "overtaken before",
        "cut off",
        "ended by others",
        "failed in between",
    ],
)
def test_what_earlier_attempts_wrote_is_told_as_written(redriver, done, attempts, expected):
    def answers(payload):
        outcomes = attempts[len(redriver.asked) - 1]
        redriver.entries = {IDS[0]: REDRIVEN | {"outcomes": outcomes, "retry": len(redriver.asked) < len(attempts)}}

    redriver.before = answers
    status, lines = done(IDS[0])

    assert (0, _outcomes(**expected)) == (status, lines[-1]["outcomes"])


def test_what_was_decided_and_never_carried_out_is_left_and_listed(redriver, done, shown):
    redriver.entries = {IDS[0]: REDRIVEN | {"retry": True, "detail": "S3: SlowDown"}, IDS[1]: REDRIVEN}

    status, lines = done(*IDS[:2])
    assert (1, IDS[:1]) == (status, lines[-1]["left"])

    status, text = shown(*IDS[:2])
    assert 1 == status
    assert [IDS[0], "redriven", "not_json", "S3:", "SlowDown"] == text.splitlines()[-1].split()
    assert text.splitlines()[-3].startswith("left:")


def test_where_nothing_answers_it_ends(redriver, done):
    ids = [f"{number:032x}" for number in range(200)]

    def down(payload):
        raise FunctionFailed("redriver: throttled")

    redriver.before = down
    status, lines = done(*ids)

    assert (1, {"not_reached": 200}, ids) == (status, lines[-1]["states"], lines[-1]["left"])
    assert "decided" not in [line["event"] for line in lines]


@pytest.mark.parametrize(("calls_before", "seconds"), [(0, 40), (1, 40), (1, PATIENCE_SECONDS - 10)])
def test_while_calls_are_throttled_for_a_while_no_entry_is_given_up(redriver, done, clock, calls_before, seconds):
    ids = [f"{number:032x}" for number in range(60)]
    redriver.entries = dict.fromkeys(ids, REDRIVEN)
    until = clock.monotonic() + seconds

    def throttled(payload):
        if len(redriver.asked) > calls_before and clock.monotonic() < until:
            raise FunctionFailed("redriver: throttled")

    redriver.before = throttled
    status, lines = done(*ids)

    assert (0, {"redriven": 60}) == (status, lines[-1]["states"])
    assert sorted(ids) == sorted(line["quarantine_id"] for line in lines if line["event"] == "decided")


def test_entries_of_which_no_call_ends_are_left_and_keep_no_other_waiting(redriver, done):
    killing, others = ([f"{kind}{number:031x}" for number in range(ENTRIES_PER_CALL)] for kind in "ab")
    redriver.entries = dict.fromkeys(others, REDRIVEN)

    def killed(payload):
        if set(killing) & set(payload["quarantine_ids"]):
            raise FunctionFailed("redriver: killed")

    redriver.before = killed
    status, lines = done(*killing, *others)

    assert (1, killing) == (status, lines[-1]["left"])
    assert others == [line["quarantine_id"] for line in lines if line["event"] == "decided"]


def test_where_nothing_answers_any_more_it_ends_in_a_few_minutes(redriver, done, clock):
    ids = [f"{number:032x}" for number in range(200)]
    redriver.entries = dict.fromkeys(ids, REDRIVEN)
    began = clock.monotonic()

    def soon_down(payload):
        if len(redriver.asked) > 1:
            raise FunctionFailed("redriver: throttled")

    redriver.before = soon_down
    assert 1 == done(*ids)[0]
    assert PATIENCE_SECONDS < clock.monotonic() - began < 2 * PATIENCE_SECONDS


def test_once_nothing_answers_any_more_what_did_not_pass_is_not_waited_for(redriver, done):
    stuck = [f"{number:032x}" for number in range(3 * ENTRIES_PER_CALL)]
    redriver.entries = dict.fromkeys(stuck, WAITING)

    def soon_down(payload):
        if len(redriver.asked) > 3:
            raise FunctionFailed("redriver: throttled")

    redriver.before = soon_down
    status, lines = done(*stuck)

    assert (1, {"held": len(stuck)}) == (status, lines[-1]["states"])
    assert {"redriver: throttled"} == {line["message"] for line in lines if line["event"] == "trouble"}


def test_what_did_not_pass_is_told_though_nothing_answers_any_more(redriver, done):
    others = [f"{number:032x}" for number in range(100)]
    stuck = [f"a{number:031x}" for number in range(ENTRIES_PER_CALL)]
    redriver.entries = dict.fromkeys(stuck, WAITING)

    def soon_down(payload):
        if len(redriver.asked) > 1:
            raise FunctionFailed("redriver: throttled")

    redriver.before = soon_down
    status, lines = done(*stuck, *others)

    held = [line["quarantine_id"] for line in lines if line["event"] == "decided" and line["state"] == "held"]
    assert (1, stuck) == (status, held)
    assert [*stuck, *others] == lines[-1]["left"]


def test_a_refusal_is_one(redriver, done):
    def refuses(payload):
        raise FunctionRefused("redriver: no")

    redriver.before = refuses
    with pytest.raises(FunctionRefused):
        done(*IDS)


@pytest.mark.parametrize("answer", [None, {}, {"entries": None}, {"entries": {IDS[0]: {}}}, {"entries": {IDS[0]: 5}}])
def test_an_answer_of_another_form_is_refused(ports, redriver, done, answer):
    redriver._redrive = lambda payload: answer
    with pytest.raises(FunctionRefused, match="does not understand"):
        done(IDS[0])


def test_it_is_asked_with_what_it_is_about_and_a_no_does_nothing(redriver, done):
    asked = []

    def refuse(question):
        asked.append(question)
        return False

    assert 1 == done(*IDS[1:], "f" * 32, operation=Operation.DISCARD, ask=refuse)[0]
    assert [] == redriver.asked
    assert ["Discard 2 entries, 1,002 records: undeclared attribute 2; 1 id of no entry, for good?"] == asked


def test_the_question_says_until_when_in_the_time_that_is_meant(ports, done):
    asked = []

    def refuse(question):
        asked.append(question)
        return False

    for since, until in ((None, 1_700_000_002.0), (1_700_000_001.0, None), (1_700_000_001.0, 2e9)):
        done(operation=Operation.DISCARD, selection=Selection(since=since, until=until), ask=refuse)

    assert [
        "before 2023-11-14T22:13:22Z, for good?",
        "from 2023-11-14T22:13:21Z on, for good?",
        "from 2023-11-14T22:13:21Z on before 2033-05-18T03:33:20Z, for good?",
    ] == [question.split("; arrived ")[1] for question in asked]


def test_entries_that_are_named_are_decided_about_without_the_index(ports, shown, done, redriver, monkeypatch):
    asked = []

    def denied(ids):
        raise StoreUnavailable("reading the quarantine index: AccessDeniedException")

    monkeypatch.setattr(ports.index, "get", denied)
    redriver.entries = {IDS[0]: REDRIVEN, IDS[1]: {"state": "too_old"}}

    def agree(question):
        asked.append(question)
        return True

    assert 0 == done(IDS[0], ask=agree)[0]
    status, text = shown(*IDS[:2])

    assert ["Redrive 1 entry, of which the index tells nothing now?"] == asked
    assert (1, [IDS[1], "too_old", "?"]) == (status, text.splitlines()[-1].split())


@pytest.mark.parametrize("why", [FunctionRefused, KeyboardInterrupt])
def test_what_was_decided_is_told_however_it_ends(redriver, ports, monkeypatch, capsys, why):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    ids = [f"{number:032x}" for number in range(60)]
    redriver.entries = dict.fromkeys(ids, REDRIVEN)

    def ends(payload):
        if len(redriver.asked) == 2:
            raise why

    redriver.before = ends
    with pytest.raises(why):
        decide(Operation.REDRIVE, ids, Selection(), ask=None, ports=ports)

    assert "entries: redriven 25, not reached 35" in capsys.readouterr().out


def test_a_yes_does_it(redriver, done):
    assert 0 == done(*IDS, ask=lambda question: True)[0]
    assert 1 == len(redriver.asked)


def test_nothing_to_do_is_all_well_and_asks_nothing(ports, shown, done, redriver):
    assert isinstance(ports.index, FakeIndex)
    ports.index.held = []
    assert 0 == done(ask=lambda question: pytest.fail("asked"))[0]
    status, text = shown()
    assert (0, True) == (status, text.endswith("no entries\n"))
    assert [] == redriver.asked
