"""Ensure-keys, seen from those who may make no data key: a tenant's first ones are made for them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

from shared.aws.errors import AWS_ERRORS, store_error
from shared.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class EnsureKeysFunction:
    """Invokes the ensure-keys Lambda and waits for its answer."""

    def __init__(self, client: LambdaClient, name: str) -> None:
        self._client = client
        self._name = name

    def ensure(self, tenant_id: str, data_classes: Collection[str]) -> None:
        """Have the tenant's active data keys of these classes there, and the policy published; safe to repeat.

        Raises:
            StoreUnavailable: Lambda does not answer, or the function failed.
        """
        what = f"data keys of tenant {tenant_id}"
        asked = {"tenant_id": tenant_id, "data_classes": sorted(data_classes)}
        try:
            answer = self._client.invoke(FunctionName=self._name, Payload=json.dumps(asked).encode("ascii"))
        except AWS_ERRORS as error:
            raise store_error(error, what) from None
        if "FunctionError" in answer:  # its payload quotes the error's message, which only its own log need hold
            raise StoreUnavailable(f"{what}: ensure-keys failed; its log says why")
