"""`sealstream item get`: one item as it is stored, or with what the operator's credentials may open opened.

Unlike `SealedTable` it raises for no single value: what does not open stays closed and says why, beside the rest.
Names of table, key store and attribute key come from `SEALSTREAM_*`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from ops.environment import setting
from ops.item_view import View, json_of, opened_view, rows_of, stored_view, table_of
from shared.aws.clients import client
from shared.aws.item_reader import DynamoItemReader
from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.keys.keyring import Keyring
from shared.model import Attributes, KeyStatus
from shared.policy.load import load_policy
from shared.policy.verify import key_ids
from shared.printable import quoted
from shared.runtime.settings import POLICY_FILE, AttributeKeys
from shared.sealed_table_keys import ItemKeys


def show_item(tenant: str, item_id: str, *, open_values: bool, as_json: bool = False) -> None:
    """Print one item, a line per value or as one JSON document.

    Raises:
        SettingsError: a name is missing from the environment.
        RetryLater: DynamoDB or KMS does not answer.
        SystemExit: there is no such item.
    """
    stored, opened = views(tenant, item_id, open_values=open_values)
    print((json_of if as_json else table_of)(opened or stored))


def side_by_side(tenant: str, item_id: str) -> Table:
    """One item as stored and as opened, for a rich console; raises as `show_item`."""
    stored, opened = views(tenant, item_id, open_values=True)
    table = Table("attribute", "as stored", "as opened")
    left = rows_of(opened)
    for path, shown in rows_of(stored):
        inside = [row for row in left if row[0] == path or row[0].startswith((f"{path}.", f"{path}["))]
        for index, (opened_path, opened_shown) in enumerate(inside):
            table.add_row(*map(Text, (opened_path, "" if index else shown, opened_shown)))
    return table


def views(tenant: str, item_id: str, *, open_values: bool) -> tuple[View, View]:
    """The item as it is stored, and as opened; the latter is empty, and no key used, where nothing is to be opened."""
    table, key_store = setting("TABLE"), setting("KEY_STORE")
    dynamodb = client("dynamodb")
    item = DynamoItemReader(dynamodb, table).get((tenant, item_id), consistent=True)
    if item is None:
        raise SystemExit(f"sealstream: tenant {quoted(tenant)} has no item {quoted(item_id)} (a record takes seconds)")
    statuses = DynamoKeyStatusReader(dynamodb, key_store).statuses(tenant, key_ids(item))
    stored = stored_view(item, statuses)
    return stored, _opened(item, statuses) if open_values else {}


def _opened(item: Attributes, statuses: Mapping[int, KeyStatus]) -> View:
    attribute_keys = AttributeKeys.from_environment(os.environ)
    dataset = load_policy(POLICY_FILE).dataset
    keyring = Keyring(
        store=DynamoKeyStore(client("dynamodb"), setting("KEY_STORE")),
        service=KmsKeyService(client("kms"), attribute_keys.present),
        dataset=dataset,
        trusted_kms_key_arns=attribute_keys.trusted,
    )
    return opened_view(item, statuses, ItemKeys.fetch(keyring, dataset, [item]).opener(item))
