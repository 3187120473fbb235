"""A scanner finds what its policy chose, in time that hostile texts do not stretch, and loads no more than it needs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from shared.policy.detect.names import DEFAULT_DETECTORS, WORDS, Detector
from shared.policy.detect.scanner import scanner
from tests.unit.docs.pages import ROOT

EVERYTHING = frozenset(Detector)
MANY = "4111111111111111 DE89370400440532013000 219-09-9999 a@example.org AKIAIOSFODNN7EXAMPLE 756.9217.0769.85"
IN_BYTES = {Detector.CARD, Detector.IBAN, Detector.US_SSN, Detector.AWS_KEY, Detector.CH_AHV}


def test_each_detector_has_words_of_its_own():
    assert set(Detector) == set(WORDS)
    assert len(set(WORDS.values())) == len(WORDS)


@pytest.mark.parametrize("one", sorted(IN_BYTES | {Detector.EMAIL}))
def test_only_what_was_chosen_is_found(one):
    assert {one} == scanner(frozenset({one})).text(MANY)


def test_nothing_is_found_where_nothing_was_chosen():
    nothing = scanner(frozenset())
    assert (frozenset(), frozenset()) == (nothing.text(MANY), nothing.bytes(MANY.encode()))


def test_one_text_can_hold_several():
    assert IN_BYTES | {Detector.EMAIL} == scanner(EVERYTHING).text(MANY)
    assert scanner(EVERYTHING).bytes(MANY.encode()) == IN_BYTES


def test_the_default_needs_no_library():
    code = (
        "import sys; from shared.policy.detect.scanner import scanner; from shared.policy.detect.names import *;"
        f"assert scanner(DEFAULT_DETECTORS).text({MANY!r});"
        "assert not {'stdnum', 'phonenumbers'} & sys.modules.keys();"
        "scanner(frozenset({Detector.NL_BSN}));"
        "assert 'stdnum' in sys.modules and 'phonenumbers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)


@pytest.mark.parametrize(
    "unit",
    [
        *("4", "1 ", "1-", "1111 ", "1.", "+1", "+", "(1) ", "+1234567 ", "030 1234 ", "12.34.56-789.01 "),
        *("bsn 123456789 ", "nhs 123 456 7890 ", "12345678901 pesel cpf nir ", "A", "AAAAAA1", "AKIA", "ghp_"),
        *("eyJ", "eyJaaaaaaaaaaaa.", "eyJaaaaaaaaaaaa.eyJaaaaaaaaaaaa.", "-----BEGIN ", "secret_access_key= "),
        *("é1 ", "a@", "360426199101010071", "DE12 "),
    ],
)
def test_the_time_is_linear_in_the_length(unit):
    everything = scanner(EVERYTHING)
    started = time.process_time()
    everything.text(unit * (40_000 // len(unit)))
    assert time.process_time() - started < 5  # a quadratic scan would take minutes


FALSE_AND_TRUE = [
    ("756.9217.0769.86", "756.9217.0769.85"),  # counts by itself
    ("bsn 111222334", "bsn 111222333"),
    ("0111 2345678", "030 123456"),
]


@pytest.mark.parametrize(("false", "true"), FALSE_AND_TRUE)
@pytest.mark.parametrize("as_one_text", [True, False])
def test_the_candidates_of_one_item_are_counted_whatever_holds_them(false, true, as_one_text):
    """Up to the two thousandth; a true one behind it is not found, and that is told."""
    one_kind = Detector.NL_BSN, Detector.CH_AHV, Detector.PHONE_DE
    for number, is_found in ((1_999, True), (2_000, False)):
        scan, values = scanner(frozenset(one_kind)).for_item(), [*[false] * number, true]
        found = [scan.text(text) for text in ([", ".join(values)] if as_one_text else values)]
        assert (is_found, not is_found) == (any(found), scan.ran_out)


def test_items_do_not_count_for_each_other():
    alone = scanner(frozenset({Detector.NL_BSN}))
    alone.for_item().text("bsn 111222334, " * 3_000)
    assert {Detector.NL_BSN} == alone.for_item().text("bsn 111222333") == alone.text("bsn 111222333")
    assert not alone.ran_out


def test_the_shortest_text_that_holds_something_is_looked_at():
    assert {Detector.EMAIL} == scanner(DEFAULT_DETECTORS).text("a@b.cd")


def test_the_default_is_what_was_always_looked_for():
    assert {"card", "us_ssn", "iban", "email"} == DEFAULT_DETECTORS
