"""Which national ids there are: how each is written, what it is called, and which module of python-stdnum checks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.policy.detect.names import Detector


@dataclass(frozen=True, slots=True)
class NationalId:
    """How one kind of id is recognised.

    Attributes:
        modules: of python-stdnum, any of which may find a text right.
        names: of it, in lower-case words parted by single spaces.
        alone: how it is written so that nothing else looks like it, as a regular expression; "" where it has no such
            form.
        named: what it is made of, however it is grouped, where one of its names stands by: `9` for a digit, `A` for a
            letter, `B` for either; "" where `alone` is all.
    """

    detector: Detector
    modules: tuple[str, ...]
    names: tuple[str, ...]
    alone: str = ""
    named: str = ""


def _id(detector: Detector, modules: str, names: str, *, alone: str = "", named: str = "") -> NationalId:
    return NationalId(detector, tuple(modules.split("|")), tuple(names.split("|")), alone, named)


_WHOSE: Final = "national|personal|citizen|identity|identification|id|tax|fiscal|social security|social insurance"
_WHAT: Final = "id|number|no|nr|code|card"
ANY_NAMES: Final = ("ssn", *(f"{whose} {what}" for whose in _WHOSE.split("|") for what in _WHAT.split("|")))
"""What an id of any country may be called."""

NATIONAL_IDS: Final = (
    _id(
        Detector.BE_NN,
        "be.nn",
        "rijksregister|rijksregisternummer|rrn|registre national|numero national|nn|niss|insz",
        alone=r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}",
        named="99999999999",
    ),
    _id(
        Detector.BR_CPF,
        "br.cpf",
        "cpf|cadastro de pessoas fisicas",
        alone=r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
        named="99999999999",
    ),
    _id(
        Detector.CA_SIN,
        "ca.sin",
        "sin|social insurance|nas|assurance sociale",
        named="999999999",
    ),
    _id(
        Detector.CH_AHV,
        "ch.ssn",
        "ahv|avs|oasi",
        alone=r"756(?P<ahv_by>[. ]?)[0-9]{4}(?P=ahv_by)[0-9]{4}(?P=ahv_by)[0-9]{2}",
    ),
    _id(
        Detector.CN_RIC,
        "cn.ric",
        "resident identity|shenfenzheng",
        alone=r"[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx]",
    ),
    _id(
        Detector.DE_IDNR,
        "de.idnr",
        "steuer id|steuer nr|steueridentifikationsnummer|steuerliche identifikationsnummer|idnr|identnr|steuerid",
        alone=r"[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}",
        named="99999999999",
    ),
    _id(
        Detector.ES_DNI,
        "es.dni|es.nie",
        "dni|nie|nif|documento nacional de identidad",
        named="99999999A|A9999999A",
    ),
    _id(
        Detector.FI_HETU,
        "fi.hetu",
        "hetu|henkilotunnus|henkilötunnus|personbeteckning",
        alone=r"[0-3][0-9][01][0-9]{3}[-+A-FU-Ya-fu-y][0-9]{3}[0-9A-Ya-y]",
    ),
    _id(
        Detector.FR_NIR,
        "fr.nir",
        "nir|insee|secu|sécu|securite sociale|sécurité sociale|numero de securite sociale",
        alone=r"[1-8] [0-9]{2} [0-9]{2} [0-9][0-9ABab] [0-9]{3} [0-9]{3} [0-9]{2}",
        named="999999B99999999",
    ),
    _id(
        Detector.GB_NHS,
        "gb.nhs",
        "nhs|nhs number|nhsnumber|nhs no",
        named="9999999999",
    ),
    _id(
        Detector.IN_AADHAAR,
        "in_.aadhaar",
        "aadhaar|aadhar|adhaar|uidai",
        named="999999999999",
    ),
    _id(
        Detector.IT_CODICEFISCALE,
        "it.codicefiscale",
        "codice fiscale|cf",
        alone=r"[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[A-EHLMPR-Ta-ehlmpr-t][0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]",
    ),
    _id(
        Detector.KR_RRN,
        "kr.rrn",
        "rrn|jumin|jumin deungnok beonho|resident registration",
        alone=r"[0-9]{2}[01][0-9][0-3][0-9]-[0-9]{7}",
        named="9999999999999",
    ),
    _id(
        Detector.MX_CURP,
        "mx.curp",
        "curp",
        alone=r"[A-Za-z]{4}[0-9]{6}[HMXhmx][A-Za-z]{5}[0-9A-Za-z][0-9]",
    ),
    _id(
        Detector.NL_BSN,
        "nl.bsn",
        "bsn|bsn nummer|burgerservicenummer|sofinummer",
        named="99999999|999999999",
    ),
    _id(
        Detector.NO_FODSELSNUMMER,
        "no.fodselsnummer",
        "fodselsnummer|fødselsnummer|fnr|personnummer|fodselsnr|fødselsnr",
        alone=r"[0-7][0-9][0-9]{4} [0-9]{5}",
        named="99999999999",
    ),
    _id(Detector.PL_PESEL, "pl.pesel", "pesel|nr pesel", named="99999999999"),
    _id(
        Detector.SE_PERSONNUMMER,
        "se.personnummer",
        "personnummer|personnr|pnr|samordningsnummer",
        named="9999999999|999999999999",
    ),
    _id(
        Detector.TR_KIMLIK,
        "tr.tckimlik",
        "kimlik|kimlik no|tckn|tc kimlik|t c kimlik|tc no|tc",
        named="99999999999",
    ),
    _id(
        Detector.ZA_ID,
        "za.idnr",
        "rsa id|said|sa id|id no|identity",
        named="9999999999999",
    ),
)
