"""Writes docs/isolation.md: the matrix, as both tests of it assert it, and the attacks, each with its tests.

python -m tests.infra.isolation_page
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.infra.isolation import ATTRIBUTE_KEY, DOORS, GRANTS, ITEMS, KEY_STORE, OPERATIONS, Reach, cells, reach

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "isolation.md"

_HEAD: Final = """\
# Isolation: who reaches whose data

Made by `tests/infra/isolation_page.py` from `tests/infra/isolation.py`; not to be edited by hand.

Every role of the system, and everything it could do to what holds tenants' data. Each cell stands for as many questions
as its table tells apart, {cells} in all, and each is asked twice: of a policy simulator over the synthesised policies
(`test_a_role_reaches_what_the_matrix_says_and_nothing_else`), and of the local AWS by a call with credentials of
AssumeRole (`test_a_session_of_a_role_is_given_what_the_matrix_says_and_refused_all_else`).

| cell | own tenant, own class | own tenant, other class | other tenant |
| --- | --- | --- | --- |
{legend}

A role with “all” works for every tenant: IAM ties it to none, and what it may do is all that stands between it and
everybody's data ([threat model](threat_model.md#attackers)). A tenant session's own tenant is the one that its tag
names; a limited session's own classes are those of the context `limited_classes`. Rights over what holds no tenant's
data, and circumstances that deny what is allowed here, are asked for in `tests/infra/test_rights.py`.
"""
_LEGEND: Final = {
    Reach.ALL: ("allowed", "allowed", "allowed"),
    Reach.OWN: ("allowed", "allowed", "denied"),
    Reach.OWN_CLASS: ("allowed", "denied", "denied"),
    Reach.NONE: ("denied", "denied", "denied"),
}
_TITLES: Final = {
    ITEMS: ("Items", "Rows of the items table. A scan names no tenant, so there is no own one."),
    KEY_STORE: ("Data keys", "Rows of the key store; what a batch read projects decides what it is given."),
    ATTRIBUTE_KEY: (
        "Attribute key",
        "KMS calls under the encryption context of a tenant and a data class; a grant is under none.",
    ),
    DOORS: ("What holds or opens the data of all", "Streams, buckets, and ways to become somebody else."),
}
#: What is tried, and the tests that try it.
_ATTACKS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        "A token forged, expired, for another audience, of another issuer, signed by nobody (`alg: none`)",
        ("test_a_token_that_the_issuer_did_not_give_for_this_api_writes_nothing",),
    ),
    (
        "Tenant in path, body and claim that differ",
        (
            "test_the_claim_alone_says_whose_items_are_asked_for",
            "test_another_tenants_path_is_denied_and_told",
        ),
    ),
    (
        "A tenant's name with separators, look-alikes of other scripts, wildcards, variables, 2,048 bytes",
        (
            "test_a_name_that_is_no_tenants_opens_nothing",
            "test_a_session_of_a_look_alike_reaches_nothing_of_the_tenant",
            "test_an_ill_formed_identity_is_rejected_with_its_reason",
        ),
    ),
    (
        "Another tenant's ciphertext copied into one's own item",
        ("test_ciphertext_copied_from_another_tenant_does_not_open",),
    ),
    (
        "A whole encrypted data key copied from another tenant's row",
        (
            "test_a_data_key_copied_from_another_tenants_row_opens_nothing",
            "test_a_row_that_was_copied_to_another_tenant_does_not_open",
        ),
    ),
    (
        "A pointer row overwritten",
        (
            "test_a_pointer_that_names_another_tenants_key_seals_nothing",
            "test_a_session_writes_no_row_of_the_key_store",
            "test_a_pointer_to_a_key_of_another_class_is_corrupt",
        ),
    ),
    (
        "Sessions reused across warm invocations",
        (
            "test_tenants_and_scopes_that_alternate_on_warm_functions_get_what_is_theirs",
            "test_each_tenant_and_role_has_its_own_and_keeps_it",
        ),
    ),
    (
        "Scan, PartiQL, and requests for rows of two tenants at once, with a tenant session",
        ("test_no_way_of_asking_dynamodb_gets_a_session_rows_of_another",),
    ),
    (
        "A confused deputy: S3 events of a foreign bucket",
        (
            "test_s3_brings_no_event_of_another_bucket_to_the_landing_queue",
            "test_an_event_of_a_foreign_bucket_is_refused_and_kept_for_somebody_to_look_at",
            "test_s3_acts_for_the_landing_bucket_of_this_account_and_for_no_other",
        ),
    ),
    (
        "Grants, and an administrator's use of the attribute key",
        ("test_an_administrator_can_neither_use_the_attribute_key_nor_hand_it_on",),
    ),
)


def text() -> str:
    """The whole page."""
    return "\n".join([_head(), *map(_table, _TITLES), _attacks()])


def _head() -> str:
    legend = "\n".join(_row(str(each), *answers) for each, answers in _LEGEND.items())
    return _HEAD.format(cells=f"{sum(len(cells(role)) for role in GRANTS):,}", legend=legend)


def _table(place: str) -> str:
    title, what = _TITLES[place]
    operations = [operation for operation in OPERATIONS if operation.place == place]
    rows = (_row(f"`{role}`", *(reach(role, operation) for operation in operations)) for role in GRANTS)
    return f"## {title}\n\n{what}\n\n" + "".join(
        f"{line}\n" for line in (*_titled("role", *(operation.name for operation in operations)), *rows)
    )


def _attacks() -> str:
    rows = (_row(attack, ", ".join(f"`{test}`" for test in tests)) for attack, tests in _ATTACKS)
    return "## Attacks\n\n" + "".join(f"{line}\n" for line in (*_titled("tried", "shown by"), *rows))


def _titled(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row(*("---" for _ in names))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
