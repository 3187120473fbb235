"""What can be detected, under the names by which a policy chooses it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Detector(StrEnum):
    """One form of sensitive data; ids of persons are named for their country and for what they are called there."""

    CARD = "card"
    IBAN = "iban"
    EMAIL = "email"
    PHONE = "phone"
    PHONE_DE = "phone_de"
    PHONE_FR = "phone_fr"
    PHONE_GB = "phone_gb"
    PHONE_US = "phone_us"
    AWS_KEY = "aws_key"
    PRIVATE_KEY = "private_key"
    TOKEN = "token"  # noqa: S105 - the detector's name
    BE_NN = "be_nn"
    BR_CPF = "br_cpf"
    CA_SIN = "ca_sin"
    CH_AHV = "ch_ahv"
    CN_RIC = "cn_ric"
    DE_IDNR = "de_idnr"
    ES_DNI = "es_dni"
    FI_HETU = "fi_hetu"
    FR_NIR = "fr_nir"
    GB_NHS = "gb_nhs"
    IN_AADHAAR = "in_aadhaar"
    IT_CODICEFISCALE = "it_codicefiscale"
    KR_RRN = "kr_rrn"
    MX_CURP = "mx_curp"
    NL_BSN = "nl_bsn"
    NO_FODSELSNUMMER = "no_fodselsnummer"
    PL_PESEL = "pl_pesel"
    SE_PERSONNUMMER = "se_personnummer"
    TR_KIMLIK = "tr_kimlik"
    US_SSN = "us_ssn"
    ZA_ID = "za_id"


DEFAULT_DETECTORS: Final = frozenset({Detector.CARD, Detector.US_SSN, Detector.IBAN, Detector.EMAIL})
"""Of a policy that chooses none."""

CREDENTIALS: Final = frozenset({Detector.AWS_KEY, Detector.PRIVATE_KEY, Detector.TOKEN})

WITHOUT_LIBRARY: Final = DEFAULT_DETECTORS | CREDENTIALS
"""What every bundle can detect."""

WORDS: Final[Mapping[Detector, str]] = MappingProxyType(
    {
        Detector.CARD: "a payment card number",
        Detector.IBAN: "an IBAN",
        Detector.EMAIL: "an e-mail address",
        Detector.PHONE: "a phone number",
        Detector.PHONE_DE: "a German phone number",
        Detector.PHONE_FR: "a French phone number",
        Detector.PHONE_GB: "a British phone number",
        Detector.PHONE_US: "a North American phone number",
        Detector.AWS_KEY: "an AWS access key",
        Detector.PRIVATE_KEY: "a private key",
        Detector.TOKEN: "an access token",
        Detector.BE_NN: "a Belgian national number",
        Detector.BR_CPF: "a Brazilian CPF",
        Detector.CA_SIN: "a Canadian social insurance number",
        Detector.CH_AHV: "a Swiss AHV number",
        Detector.CN_RIC: "a Chinese resident identity number",
        Detector.DE_IDNR: "a German tax id",
        Detector.ES_DNI: "a Spanish DNI or NIE",
        Detector.FI_HETU: "a Finnish personal identity code",
        Detector.FR_NIR: "a French NIR",
        Detector.GB_NHS: "a British NHS number",
        Detector.IN_AADHAAR: "an Indian Aadhaar number",
        Detector.IT_CODICEFISCALE: "an Italian codice fiscale",
        Detector.KR_RRN: "a Korean resident registration number",
        Detector.MX_CURP: "a Mexican CURP",
        Detector.NL_BSN: "a Dutch BSN",
        Detector.NO_FODSELSNUMMER: "a Norwegian fødselsnummer",
        Detector.PL_PESEL: "a Polish PESEL",
        Detector.SE_PERSONNUMMER: "a Swedish personnummer",
        Detector.TR_KIMLIK: "a Turkish kimlik number",
        Detector.US_SSN: "a US social security number",
        Detector.ZA_ID: "a South African id number",
    }
)
"""How a finding names what was detected."""


_MOST_OF_A_PLACE: Final = 200


def place_below(place: str, name: str) -> str:
    """The names of a place one deeper, as far as they may tell what a value there is.

    Only the last of them, since a name may be as long as an item and all values below it are read with it.
    """
    return f"{place}.{name[-_MOST_OF_A_PLACE:]}"[-_MOST_OF_A_PLACE:]
