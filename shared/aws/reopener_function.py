"""The reopener, seen from those who re-encrypt: a data key that is retired is made usable again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.aws.errors import AWS_ERRORS, store_error
from shared.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class ReopenerFunction:
    """Invokes the reopener Lambda and waits for its answer."""

    def __init__(self, client: LambdaClient, name: str) -> None:
        self._client = client
        self._name = name

    def reopen(self, tenant_id: str, key_id: int) -> None:
        """Have a retired data key reopened: something still lies under it; safe to repeat.

        Raises:
            StoreUnavailable: Lambda does not answer, or the function failed.
        """
        what = f"reopening data key {key_id:08x} of tenant {tenant_id}"
        asked = {"tenant_id": tenant_id, "key_id": f"{key_id:08x}"}
        try:
            answer = self._client.invoke(FunctionName=self._name, Payload=json.dumps(asked).encode("ascii"))
        except AWS_ERRORS as error:
            raise store_error(error, what) from None
        if "FunctionError" in answer:  # its payload quotes the error's message, which only its own log need hold
            raise StoreUnavailable(f"{what}: the reopener failed; its log says why")
