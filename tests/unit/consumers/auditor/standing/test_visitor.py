"""Items as they stand get the auditor's verdict and one event each, and are sent on to be mended."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.errors import StoreUnavailable
from shared.findings import ItemReference
from shared.model import KeyState, VerdictKind
from shared.policy.load import parse_policy
from shared.policy.verify import verify
from shared.source_position import FOUND
from tests.fakes.finding_chain import TENANT, FindingChain
from tests.fakes.standing import Reconciliation

SOURCE = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"note" = { plain = "string" }
"""
POLICY = parse_policy(SOURCE, "policy.toml")
LOOSE = parse_policy(SOURCE.replace('{ seal = "pii" }', '{ plain = "string" }'), "loose.toml")
CANARY = "a canary in clear"
DAY = 86_400.0


@pytest.fixture
def chain():
    chain = FindingChain(POLICY)
    yield chain
    chain.pool.shutdown()


@pytest.fixture
def reconciliation(chain):
    return Reconciliation(POLICY, chain.items, chain.store, chain.queue, chain.clock)


def write(chain, item_id, *, tenant_id=TENANT, policy=None, **attributes):
    """An item as the encryptor writes it, with these attributes put over it; None takes one away."""
    item = chain.sealed(item_id, {"ssn": {"S": CANARY}}, policy=policy) | attributes
    chain.write(item_id, {name: value for name, value in item.items() if value is not None}, tenant_id=tenant_id)


def test_every_item_gets_one_event_and_is_counted_by_its_verdict(chain, reconciliation):
    write(chain, "verified")
    write(chain, "plaintext", ssn={"S": CANARY})
    write(chain, "undeclared", note={"S": "4111111111111111"})
    write(chain, "malformed", _policy=None)
    chain.replace_key("pii")
    write(chain, "fresh")

    assert reconciliation.go_on().done

    assert {
        "fresh": ("item.reconciled", "verified"),
        "malformed": ("item.malformed", "malformed"),
        "plaintext": ("item.plaintext_found", "plaintext"),
        "undeclared": ("item.undeclared_sensitive", "undeclared"),
        "verified": ("item.stale", "stale"),
    } == {name: (event["event"], event["verdict"]) for name, event in reconciliation.events().items()}
    assert {"standing"} == {event["change"] for event in reconciliation.lines}
    exposed = {name: event["exposure"] for name, event in reconciliation.events().items() if "exposure" in event}
    assert {"plaintext": "continued"} == exposed, "nobody knows here since when"
    assert not [event for event in reconciliation.lines if "sequence_number" in event]
    expected = {"visited": 5, "verified": 1, "stale": 1, "plaintext": 1, "malformed": 1, "undeclared": 1, "sent": 4}
    assert expected == reconciliation.tally.counts
    assert CANARY not in reconciliation.log.getvalue()


def test_what_can_be_mended_is_sent_with_no_time_since_nobody_knows_one(chain, reconciliation):
    write(chain, "clear", ssn={"S": CANARY})
    write(chain, "sound")
    write(chain, "plain", ssn=None, note={"S": "4111111111111111"})

    reconciliation.go_on()

    assert [ItemReference(TENANT, "clear", VerdictKind.PLAINTEXT, 0.0)] == chain.queue.references()


def test_an_example_names_the_worst_of_an_item_and_no_value(chain, reconciliation):
    write(chain, "clear", ssn={"S": CANARY}, note={"S": "4111111111111111"})

    reconciliation.go_on()

    (example,) = reconciliation.tally.examples
    assert (TENANT, "clear", "ssn", "declared sealed and found in clear") == (
        example.tenant_id,
        example.item_id,
        example.where,
        example.why,
    )


@pytest.mark.parametrize(
    "traces",
    [
        {"_open_since": {"N": "1700000000"}},
        {"_open_since": {"N": "0"}, "_src": {"B": FOUND.to_bytes()}},
        {"_src": {"B": FOUND.to_bytes()}},
    ],
    ids=["remediated", "found by the re-encryptor", "adopted"],
)
def test_an_item_that_was_mended_once_is_only_reconciled_now(chain, reconciliation, traces):
    write(chain, "mended", **traces)

    reconciliation.go_on()

    event = reconciliation.events()["mended"]
    assert ("item.reconciled", "verified") == (event["event"], event["verdict"])
    assert "open_seconds" not in event


def test_a_tombstone_is_in_order(chain, reconciliation):
    item = chain.sealed("gone", {})
    times = {"_deleted_at": {"N": "1700000000"}, "_expires_at": {"N": str(1_700_000_000 + 400 * 86_400)}}
    chain.write("gone", item | times)

    reconciliation.go_on()

    assert reconciliation.events()["gone"]["event"] == "item.reconciled"


@pytest.mark.parametrize("days", [0, 100])
def test_what_an_older_policy_allowed_is_stale_and_no_exposure_whenever_it_was_written(days):
    chain = FindingChain(LOOSE)
    write(chain, "older", policy=LOOSE)
    chain.clock.advance(days * DAY)
    chain.publish(POLICY)
    chain.clock.advance(days * DAY)
    reconciliation = Reconciliation(POLICY, chain.items, chain.store, chain.queue, chain.clock)

    reconciliation.go_on()

    (finding,) = reconciliation.events()["older"]["findings"]
    assert ("stale", "ssn") == (finding["kind"], finding["where"])
    assert [VerdictKind.STALE] == [one.reason for one in chain.queue.references()]
    chain.pool.shutdown()


def test_what_no_published_policy_allowed_is_an_exposure(chain, reconciliation):
    write(chain, "rogue", ssn={"S": CANARY}, _policy={"B": LOOSE.digest})

    reconciliation.go_on()

    assert reconciliation.events()["rogue"]["event"] == "item.plaintext_found"


def test_an_item_that_is_sealed_under_a_key_made_during_the_scan_is_no_false_alarm(chain, reconciliation):
    write(chain, "a")
    write(chain, "b")

    first = iter([True])

    def others_write() -> None:
        if next(first, False):
            chain.replace_key("pii")
            write(chain, "c")

    reconciliation.page_items, reconciliation.after_page = 1, others_write
    reconciliation.go_on()

    assert "malformed" not in {event["verdict"] for event in reconciliation.lines}
    assert reconciliation.events()["c"]["event"] == "item.reconciled"


def test_an_item_that_is_rewritten_once_its_page_was_read_is_judged_as_it_was_read(chain, reconciliation):
    write(chain, "a")

    def rewrite() -> None:
        chain.replace_key("pii")
        write(chain, "a")

    reconciliation.after_page = rewrite
    reconciliation.go_on()

    assert reconciliation.events()["a"]["verdict"] in {"verified", "stale"}


@pytest.mark.parametrize(("retired_after", "verdict"), [(10, "stale"), (-10, "malformed")], ids=["then", "before"])
def test_a_key_that_was_retired_once_the_page_was_read_was_not_before(chain, reconciliation, retired_after, verdict):
    write(chain, "a")
    (row,) = chain.store.all_rows()
    retired_at = chain.clock.wall() + retired_after
    chain.store.put_row(replace(row, state=KeyState.RETIRED, state_set_at=retired_at))

    reconciliation.go_on()

    assert verdict == reconciliation.events()["a"]["verdict"]


def test_states_of_keys_are_none_of_before_this_workers_time(chain, reconciliation):
    write(chain, "a")
    reconciliation.go_on()
    chain.store.set_state(TENANT, chain.store.active_key_id(TENANT, "pii"), KeyState.DECRYPT_ONLY)
    again = Reconciliation(POLICY, chain.items, chain.store, chain.queue, chain.clock)

    again.go_on()

    assert ("item.reconciled", "item.stale") == (
        reconciliation.events()["a"]["event"],
        again.events()["a"]["event"],
    )


@pytest.mark.parametrize("tenant_id", ["no tenant!", "_system", "078-05-1120"])
def test_an_item_of_a_tenant_that_no_policy_allows_is_judged_and_its_name_not_told(chain, reconciliation, tenant_id):
    chain.write("i-1", {"ssn": {"S": CANARY}}, tenant_id=tenant_id)

    reconciliation.go_on()

    (event,) = reconciliation.lines
    assert ("item.plaintext_found", "sha256:") == (event["event"], event["tenant_id"][:7])
    assert tenant_id not in reconciliation.log.getvalue()
    assert [(tenant_id, "i-1")] == [(one.tenant_id, one.item_id) for one in chain.queue.references()]


def test_an_error_that_nobody_foresaw_costs_the_other_items_nothing_and_is_no_verdict(chain, reconciliation, capsys):
    for item_id in ("a", "b", "c"):
        write(chain, item_id)

    def judge(change, *known):
        if change.item_id == "b":
            raise RuntimeError(CANARY)
        return verify(change, *known)

    reconciliation.more = {"verify": judge}
    assert reconciliation.go_on().done

    assert {"visited": 3, "verified": 2, "unjudged": 1} == reconciliation.tally.counts
    assert ["b"] == [example.item_id for example in reconciliation.tally.examples]
    failure = json.loads(capsys.readouterr().out)
    assert ("failure", "RuntimeError", "b") == (failure["event"], failure["error"], failure["item_id"])


@pytest.mark.parametrize("where", ["key store", "queue"])
def test_a_page_counts_only_once_its_findings_are_sent(chain, reconciliation, where):
    write(chain, "a", ssn={"S": CANARY})
    write(chain, "b")
    fake = chain.store if where == "key store" else chain.queue
    fake.fail_with = StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        reconciliation.go_on()

    assert {} == reconciliation.tally.counts
    fake.fail_with = None
    assert reconciliation.go_on().done
    assert {"visited": 2, "verified": 1, "plaintext": 1, "sent": 1} == reconciliation.tally.counts


def test_a_worker_that_is_killed_after_any_step_leaves_the_same_counts_and_ids_to_the_next(chain):
    for number in range(5):
        write(chain, f"i-{number}", **({"ssn": {"S": CANARY}} if number % 2 else {}))
    whole = Reconciliation(POLICY, chain.items, chain.store, clock=chain.clock)
    whole.go_on()
    ids = {event["event_id"] for event in whole.lines}
    assert len(ids) == 5

    for survives in range(3):
        killed = Reconciliation(POLICY, chain.items, chain.store, clock=chain.clock)
        left = iter(range(survives))

        def kill(method, left=left):
            if method == "save_segment" and next(left, None) is None:
                raise KeyboardInterrupt

        killed.runs.before = kill
        with pytest.raises(KeyboardInterrupt):
            killed.go_on()
        sent = {one.item_id for one in killed.queue.references()}
        told = {event["item_id"] for event in killed.lines}
        assert {name for name in told if int(name[-1]) % 2} == sent, "all that was told is sent before the cursor moves"
        killed.runs.before = lambda method: None
        killed.go_on()

        assert whole.tally == killed.tally
        assert ids == {event["event_id"] for event in killed.lines}
        assert len(killed.lines) > 5


def test_a_whole_table_of_faults_leaves_a_small_tally(chain):
    for number in range(300):
        chain.write(f"i-{number}", {"ssn": {"S": CANARY}})
    reconciliation = Reconciliation(POLICY, chain.items, chain.store, chain.queue, chain.clock, page_items=100)

    reconciliation.go_on()

    assert {"visited": 300, "plaintext": 300, "sent": 300} == reconciliation.tally.counts
    assert len(reconciliation.tally.examples) <= 20
    assert len(chain.queue.references()) == 300
