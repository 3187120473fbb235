"""Ids of persons are recognised as they are written, and no number that only has as many digits."""

from __future__ import annotations

import random
import string

import pytest

from shared.policy.detect.names import DEFAULT_DETECTORS, Detector
from shared.policy.detect.national_ids import NATIONAL_IDS
from shared.policy.detect.scanner import scanner

SCAN = scanner(frozenset(one.detector for one in NATIONAL_IDS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("85.07.30-033.28", Detector.BE_NN),
        ("rijksregisternummer 85073003328", Detector.BE_NN),
        ("390.533.447-05", Detector.BR_CPF),
        ("CPF 39053344705", Detector.BR_CPF),
        ("SIN: 123-456-782", Detector.CA_SIN),
        ("756.9217.0769.85", Detector.CH_AHV),
        ("cust_7569217076985_eu", Detector.CH_AHV),
        ("360426199101010071", Detector.CN_RIC),
        ("36 574 261 809", Detector.DE_IDNR),
        ("Steuer-ID: 36574261809", Detector.DE_IDNR),
        ("DNI 54362315-K", Detector.ES_DNI),
        ("nie=x2482300w", Detector.ES_DNI),
        ("131052-308T", Detector.FI_HETU),
        ("131052\u2013308T", Detector.FI_HETU),
        ("2 95 10 99 126 111 93", Detector.FR_NIR),
        ("295109912611193 (NIR)", Detector.FR_NIR),
        ("NHS number 943 476 5919", Detector.GB_NHS),
        ("aadhaar 2341 2341 2346", Detector.IN_AADHAAR),
        ("rccmnl83s18d969h", Detector.IT_CODICEFISCALE),
        ("971013-9019902", Detector.KR_RRN),
        ("RRN 9710139019902", Detector.KR_RRN),
        ("BOXW310820HNERXN09", Detector.MX_CURP),
        ("her BSN is 1112.22.333", Detector.NL_BSN),
        ("BSN 111 - 222 - 333", Detector.NL_BSN),
        ("BSN 2026 111 222 333 of 2026", Detector.NL_BSN),
        ("BSN 1112.22.333 12", Detector.NL_BSN),
        ("BSN \uff11\uff11\uff11\uff12\uff12\uff12\uff13\uff13\uff13", Detector.NL_BSN),
        ("NHS 2026 943 476 5919 12", Detector.GB_NHS),
        ("personnummer 880320-0016 12", Detector.SE_PERSONNUMMER),
        ("131052-308t", Detector.FI_HETU),
        ("151086 95088", Detector.NO_FODSELSNUMMER),
        ("fødselsnummer: 15108695088", Detector.NO_FODSELSNUMMER),
        ("PESEL 44051401359", Detector.PL_PESEL),
        ("personnummer 880320-0016", Detector.SE_PERSONNUMMER),
        ("TC kimlik no: 17291716060", Detector.TR_KIMLIK),
        ("id number 7503305044089", Detector.ZA_ID),
    ],
)
def test_an_id_is_recognised(text, expected):
    assert expected in SCAN.text(text)


@pytest.mark.parametrize("where", ["customer.bsn", "bsn_number", "people[].BSN", "personalId", "national_id", "taxId"])
def test_the_names_of_its_place_say_what_a_bare_number_is(where):
    assert Detector.NL_BSN in SCAN.text("111222333", where)


@pytest.mark.parametrize("where", ["", "number", "order.id", "absn", "bsnx"])
def test_a_bare_number_that_nothing_names_is_left_alone(where):
    assert frozenset() == SCAN.text("111222333", where)


@pytest.mark.parametrize(
    "text",
    [
        "bsn " + 20 * "x " + "111222333",  # too far away
        "bsn 111222334",  # check digit
        "bsn 1111222333",
        "bsn 0.111222333",
        "bsn 111222333.5",
        "bsn A111222333",
        "85.07.30-033.29",
        "0.85.07.30-033.28",
        "756.9217.0769.85.1",
        "9d2e-756921707698",
        "cpf 00000000000",
        "360426199101010072",
        "999999199101010072",  # a place that is none
        "119999199101010079",  # a place that is a gap in the library's table
        "dni 54362315L",
        "nie X2482300Z",
        "RCCMNL83S18D969J",
        "short",
        "personnummer 999999-0016",
    ],
)
def test_what_only_looks_similar_is_left_alone(text):
    assert frozenset() == SCAN.text(text)


def test_binary_data_is_searched_too():
    assert frozenset({Detector.CH_AHV}) == SCAN.bytes(b"\x00\xff 756.9217.0769.85 \xfe")


def test_every_detector_is_found_by_somebody():
    known = {one.detector for one in NATIONAL_IDS}
    credentials = {Detector.AWS_KEY, Detector.PRIVATE_KEY, Detector.TOKEN}
    phones = {one for one in Detector if one.startswith("phone")}
    assert set(Detector) == known | credentials | phones | DEFAULT_DETECTORS


@pytest.mark.parametrize("one", NATIONAL_IDS, ids=lambda one: one.detector)
def test_no_text_of_its_shape_is_an_error(one):
    """The libraries have tables with gaps, and hostile texts find them."""
    draw, alone = random.Random(7), scanner(frozenset({one.detector}))
    for _ in range(200):
        form = draw.choice(["99.99.99-999.99", "9" * draw.randint(7, 18), "999999-9999999", "9 99 99 99 999 999 99"])
        text = "".join(draw.choice(string.digits) if digit == "9" else digit for digit in form)
        alone.text(f"{one.names[0]} {text}{draw.choice(['', 'X', 'A', 'K'])}")
