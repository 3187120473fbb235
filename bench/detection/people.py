"""Ids of made-up persons: each as it is printed, and as bare digits, with the names that people call it by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from string import ascii_uppercase, digits
from typing import Final

from shared.policy.detect.names import Detector
from shared.policy.detect.national import checks, is_valid
from shared.policy.detect.national_ids import NATIONAL_IDS

_CHECKS: Final = {one.detector: checks(one) for one in NATIONAL_IDS}
_CONSONANTS: Final = "BCDFGLMNPRST"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of id.

    Attributes:
        names: what a text calls it.
        places: what an attribute that holds it is called.
        made: a new one, as it is printed and bare; the latter "" where both are the same.
    """

    detector: Detector
    names: Sequence[str]
    places: Sequence[str]
    made: Callable[[Random], tuple[str, str]]


def number(draw: Random, length: int, first: str = digits) -> str:
    """So many digits."""
    return draw.choice(first) + "".join(draw.choices(digits, k=length - 1))


def _completed(draw: Random, detector: Detector, form: str, checks: str = digits) -> str:
    """The form with check characters in the places of its `?` that its own check finds right; "" where none are."""
    candidates = list(product(checks, repeat=form.count("?")))
    start = draw.randrange(len(candidates))
    for characters in candidates[start:] + candidates[:start]:
        text = form
        for character in characters:
            text = text.replace("?", character, 1)
        if is_valid(_CHECKS[detector], text):
            return text
    return ""


def _date(draw: Random) -> tuple[str, str, str]:
    return f"{draw.randint(30, 99):02}", f"{draw.randint(1, 12):02}", f"{draw.randint(1, 28):02}"


def _made(detector: Detector, printed: Callable[[Random], str], checks: str = digits) -> Callable[..., tuple[str, str]]:
    def make(draw: Random) -> tuple[str, str]:
        text = ""
        while not text:  # some bodies have no check characters
            text = _completed(draw, detector, printed(draw), checks)
        bare = "".join(filter(str.isalnum, text))
        return text, "" if bare == text else bare

    return make


def _be(draw: Random) -> str:
    return "{}.{}.{}-".format(*_date(draw)) + f"{draw.randint(1, 997):03}.??"


def _br(draw: Random) -> str:
    return f"{number(draw, 3)}.{number(draw, 3)}.{number(draw, 3)}-??"


def _cn(draw: Random) -> str:
    year, month, day = _date(draw)
    return f"{draw.choice(['110101', '310101', '440106'])}19{year}{month}{day}{number(draw, 3)}?"


def _de(draw: Random) -> str:
    ten = draw.sample(digits[1:], 9)
    ten.insert(draw.randrange(1, 9), draw.choice(ten))  # one digit stands twice, never three times together
    text = "".join(ten)
    return f"{text[:2]} {text[2:5]} {text[5:8]} {text[8:]}?"


def _fi(draw: Random) -> str:
    year, month, day = _date(draw)
    return f"{day}{month}{year}-{draw.randint(2, 899):03}?"


def _fr(draw: Random) -> str:
    year, month, _ = _date(draw)
    return f"{draw.choice('12')} {year} {month} {draw.randint(10, 95)} {number(draw, 3)} {number(draw, 3)} ??"


def _it(draw: Random) -> str:
    year, _, day = _date(draw)
    letters = "".join(draw.choices(_CONSONANTS, k=6))
    return f"{letters}{year}{draw.choice('ABCDEHLMPRST')}{day}{draw.choice('ABCDEFGHIL')}{number(draw, 3)}?"


def _kr(draw: Random) -> str:
    return "{}{}{}-".format(*_date(draw)) + f"{draw.choice('12')}{draw.randint(0, 95):02}{number(draw, 3)}?"


def _mx(draw: Random) -> str:
    name = f"{draw.choice(_CONSONANTS)}X{draw.choice(_CONSONANTS)}{draw.choice(_CONSONANTS)}"
    where = draw.choice(["DF", "JC", "NL", "HG"])
    tail = "".join(draw.choices(_CONSONANTS, k=3))
    return name + "{}{}{}".format(*_date(draw)) + f"{draw.choice('HM')}{where}{tail}0?"


def _no(draw: Random) -> str:
    year, month, day = _date(draw)
    return f"{day}{month}{year} {draw.randint(0, 499):03}??"


def _pl(draw: Random) -> str:
    return "{}{}{}".format(*_date(draw)) + number(draw, 4) + "?"


def _se(draw: Random) -> str:
    return "{}{}{}-".format(*_date(draw)) + number(draw, 3) + "?"


def _za(draw: Random) -> str:
    return "{}{}{} ".format(*_date(draw)) + f"{number(draw, 4)} {draw.choice('01')}8 ?"


def _groups(*lengths: int, by: str, first: str = digits) -> Callable[[Random], str]:
    """Groups of digits, of which the last is a check digit."""

    def write(draw: Random) -> str:
        text = number(draw, sum(lengths) - 1, first) + "?"
        return by.join(_cut(text, lengths))

    return write


def _cut(text: str, lengths: Sequence[int]) -> Iterator[str]:
    for length in lengths:
        yield text[:length]
        text = text[length:]


def _kind(detector: Detector, names: str, places: str, printed: Callable[[Random], str], checks: str = digits) -> Kind:
    return Kind(detector, names.split("|"), places.split("|"), _made(detector, printed, checks))


PEOPLE: Final = (
    _kind(Detector.BE_NN, "rijksregisternummer|NISS", "niss|nationalNumber|rijksregisternummer", _be),
    _kind(Detector.BR_CPF, "CPF", "cpf|customerCpf|tax_id", _br),
    _kind(
        Detector.CA_SIN,
        "SIN|social insurance number",
        "sin|socialInsuranceNumber",
        _groups(3, 3, 3, by=" ", first="123456"),
    ),
    _kind(
        Detector.CH_AHV,
        "AHV|AVS",
        "ahv|ahv_number",
        lambda draw: f"756.{number(draw, 4)}.{number(draw, 4)}.{number(draw, 1)}?",
    ),
    _kind(Detector.CN_RIC, "resident identity card", "nationalId|identity_number", _cn, digits + "X"),
    _kind(Detector.DE_IDNR, "Steuer-ID|IdNr", "steuerId|tax_id|idnr", _de),
    _kind(
        Detector.ES_DNI, "DNI|NIF", "dni|clienteDni|national_id", lambda draw: f"{number(draw, 8)}-?", ascii_uppercase
    ),
    _kind(Detector.FI_HETU, "henkilötunnus|HETU", "hetu|personalIdentityCode", _fi, digits + ascii_uppercase),
    _kind(Detector.FR_NIR, "NIR|numéro de sécurité sociale", "nir|social_security_number", _fr),
    _kind(Detector.GB_NHS, "NHS number|NHS no.", "nhs|nhsNumber|nhs_number", _groups(3, 3, 4, by=" ")),
    _kind(
        Detector.IN_AADHAAR, "Aadhaar|UIDAI number", "aadhaar|aadhaarNumber", _groups(4, 4, 4, by=" ", first="23456789")
    ),
    _kind(Detector.IT_CODICEFISCALE, "codice fiscale|CF", "codiceFiscale|tax_code", _it, ascii_uppercase),
    _kind(Detector.KR_RRN, "RRN|resident registration number", "rrn|residentRegistration", _kr),
    _kind(Detector.MX_CURP, "CURP", "curp", _mx),
    _kind(Detector.NL_BSN, "BSN|burgerservicenummer", "bsn|klantBsn|national_id", _groups(4, 2, 3, by=".")),
    _kind(Detector.NO_FODSELSNUMMER, "fødselsnummer|fnr", "fnr|fodselsnummer", _no),
    _kind(Detector.PL_PESEL, "PESEL|nr PESEL", "pesel|nationalId", _pl),
    _kind(Detector.SE_PERSONNUMMER, "personnummer|personnr", "personnummer|personNummer", _se),
    _kind(Detector.TR_KIMLIK, "TC kimlik no|kimlik", "kimlikNo|tckn", lambda draw: f"{number(draw, 9, digits[1:])}??"),
    _kind(Detector.ZA_ID, "SA ID|ID number", "idNumber|saId|identity_number", _za),
)
