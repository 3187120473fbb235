"""What a local AWS knows, in one file: written when it ends, read when it is started again.

MiniStack's own persistence leaves out what this project rests on: the records of tables' streams, objects and their
versions unless they are on disk too, sessions, and where a mapping has come to. So all of its stores are taken as they
are: those of every service have one of two types.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from ministack.core import responses
from ministack.services import stepfunctions

from ops.local_aws import event_source_mappings, issuing

_SERVICES: Final = "ministack."
_STORES: Final = (responses.AccountRegionScopedDict, responses.AccountScopedDict)
#: Stores of another type.
_OTHERS: Final = (
    ("ministack.services.sts", "_sessions"),
    ("ministack.services.cognito", "_pool_keys"),
    ("ministack.services.eventbridge", "_rule_last_fired"),
    ("ministack.services.scheduler", "_schedule_last_fired"),
)
_ATTEMPTS: Final = 10
_PRIVATE_KEYS: Final = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)


def save(path: Path) -> None:
    """Write everything down, for the owner's eyes only; call it when no request is served any more."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    for attempt in range(_ATTEMPTS):
        try:
            _write(new)
        except RuntimeError:  # a thread that outlives its request changed a store meanwhile
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            new.replace(path)
            return


def _write(path: Path) -> None:
    content = {
        "stores": {(module.__name__, name): _content(store) for module, name, store in _stores()},
        "positions": event_source_mappings.positions(),
        "issuer": issuing.key(),
    }
    with path.open("wb") as output:
        _Pickler(output, protocol=pickle.HIGHEST_PROTOCOL).dump(content)


def restore(path: Path) -> None:
    """Know again what was written down, once; call it before the first request.

    Nothing happens where there is no file.
    """
    try:
        content = pickle.loads(path.read_bytes())  # noqa: S301 - the server's own file, which only its owner can write
    except FileNotFoundError:
        return
    if content.keys() != {"stores", "positions", "issuer"}:
        raise SystemExit(f"{path.name} was written by another version of the local AWS: `down` removes it")
    for (module, name), stored in content["stores"].items():
        store = getattr(importlib.import_module(module), name)
        _content(store).clear()
        _content(store).update(stored)
    event_source_mappings.begin_at(content["positions"])
    issuing.restore(content["issuer"])
    _end_executions()
    path.unlink()  # a server that is killed leaves nothing, rather than what an earlier one knew


def _stores() -> Iterator[tuple[ModuleType, str, Any]]:
    seen: set[int] = set()  # some are known in several modules
    for name, module in sorted(sys.modules.items()):
        if name.startswith(_SERVICES):
            for attribute, value in list(vars(module).items()):
                is_store = type(value) in _STORES or (name, attribute) in _OTHERS
                if is_store and value and id(value) not in seen:
                    seen.add(id(value))
                    yield module, attribute, value


def _content(store: Any) -> MutableMapping[Any, Any]:
    """What the store holds of all accounts and regions."""
    content: MutableMapping[Any, Any] = store._data if type(store) in _STORES else store  # noqa: SLF001 - see the module
    return content


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Private keys do not pickle by themselves."""
        if isinstance(value, _PRIVATE_KEYS):
            encoded = value.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            return _private_key, (encoded,)
        return NotImplemented


def _private_key(encoded: bytes) -> Any:
    return serialization.load_pem_private_key(encoded, None)


def _end_executions() -> None:
    """What a state machine did at the end has no thread any more; MiniStack says so in the same words."""
    for execution in stepfunctions._executions.all_values():  # noqa: SLF001 - see the module
        if execution.get("status") == "RUNNING":
            execution |= {
                "status": "FAILED",
                "stopDate": stepfunctions.now_iso(),
                "error": "States.ServiceRestart",
                "cause": "Execution was running when service restarted",
            }
