"""What is told of a batch: what had to be left, and figures; never a value."""

from __future__ import annotations

import json

from consumers.reencryptor.batch import MessageResult
from consumers.reencryptor.report import report_batch
from shared.findings import ItemReference
from shared.keys.counts import KeyringCounts
from shared.model import VerdictKind
from shared.reencrypt.model import Fate, Mended
from shared.runs.model import Example

COUNTS = KeyringCounts(cache_hits=5, cache_misses=2, kms_generate=1, kms_decrypt=3, kms_failed=1, keys_created=1)
CARD = "4111111111111111"


def result(*mended, done=True, unread=0, sent_at=95.0):
    references = [ItemReference(one.tenant_id, one.item_id, VerdictKind.STALE, 0.0) for one in mended]
    references += [ItemReference("acme", f"unread-{n}", VerdictKind.STALE, 0.0) for n in range(unread)]
    return MessageResult("m1", sent_at, references, mended, done)


def lines(capsys, *results, ended=100.0):
    report_batch(results, COUNTS, started=99.5, ended=ended)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_figure_of_a_batch_is_counted_once(capsys):
    (metrics,) = lines(
        capsys,
        result(Mended("acme", "1", Fate.MENDED, 3, 2), Mended("acme", "2", Fate.CLEAN)),
        result(Mended("acme", "3", Fate.LEFT, 1, 0), Mended("acme", "4", Fate.RETRY), done=False),
        result(unread=2, done=False, sent_at=90.0),
    )
    expected = {
        "FindingsReceived": 6,
        "ItemsClean": 1,
        "ItemsMended": 1,
        "ItemsLeft": 1,
        "ItemsRetried": 3,
        "ValuesReencrypted": 4,
        "ValuesSealed": 2,
        "KeyCacheHits": 5,
        "KeyCacheMisses": 2,
        "KmsCalls": 4,
        "KmsFailures": 1,
        "KeysCreated": 1,
        "OldestRecordAgeSeconds": 10.0,
        "BatchDurationMs": 500.0,
    }
    assert expected == {name: value for name, value in metrics.items() if name not in {"_aws", "Function"}}


def test_what_had_to_be_left_is_told_by_place_and_reason(capsys):
    examples = (Example("acme", "1", "ssn", "KeyDestroyed"), Example("acme", "1", "contacts[].email", "KeyUnknown"))
    left = lines(capsys, result(Mended("acme", "1", Fate.LEFT, examples=examples)))[:-1]
    common = {"event": "left", "tenant_id": "acme", "item_id": "1"}
    assert [
        common | {"where": "ssn", "why": "KeyDestroyed"},
        common | {"where": "contacts[].email", "why": "KeyUnknown"},
    ] == left


def test_what_is_tried_again_is_no_line_of_its_own(capsys):
    again = Mended("acme", "1", Fate.RETRY, examples=(Example("acme", "1", "", "StoreUnavailable"),))
    assert 1 == len(lines(capsys, result(again, done=False)))


def test_an_id_that_looks_sensitive_is_withheld(capsys):
    example = Example("no tenant", CARD, "ssn", "KeyDestroyed")
    left, _ = lines(capsys, result(Mended("no tenant", CARD, Fate.LEFT, examples=(example,))))
    assert left["tenant_id"].startswith("sha256:")
    assert left["item_id"].startswith("sha256:")
    assert CARD not in json.dumps(left)


def test_a_message_is_as_old_as_its_sending_whatever_is_known_of_its_items(capsys):
    assert 5.0 == lines(capsys, result(unread=1))[-1]["OldestRecordAgeSeconds"]
    assert 5.0 == lines(capsys, result())[-1]["OldestRecordAgeSeconds"], "none of ours: it waits all the same"


def test_an_empty_batch_has_no_age_and_none_is_below_zero(capsys):
    assert 0.0 == lines(capsys)[-1]["OldestRecordAgeSeconds"]
    assert 0.0 == lines(capsys, result(Mended("acme", "1", Fate.CLEAN)), ended=80.0)[-1]["OldestRecordAgeSeconds"]
