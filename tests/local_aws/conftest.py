"""One local AWS for all contract tests.

`LOCAL_AWS=stock pytest tests/local_aws` starts MiniStack without the repairs, and expects each contract test to fail:
one that passes is an error there, unless it is marked `also_on_stock`, since it shows that a repair took nothing away.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import pytest

from ops.local_aws import process
from tests.local_aws.support import LocalAws

_STOCK: Final = os.environ.get("LOCAL_AWS") == "stock"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "also_on_stock: a contract that MiniStack keeps without the repairs, too")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        uses_server = "local_aws" in getattr(item, "fixturenames", ())
        if _STOCK and uses_server and item.get_closest_marker("also_on_stock") is None:
            item.add_marker(pytest.mark.xfail(strict=True, reason="MiniStack without the repairs"))


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("local_aws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONAL_TOKEN", "not for Lambdas")
        server = process.start(folder, stock=_STOCK)
    aws = LocalAws(server.endpoint)
    try:
        yield aws
    finally:
        aws.close()
        process.stop(folder)
