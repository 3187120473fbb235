"""The tenant API behind an HTTP API, with fakes for AWS: two roles, and a function that makes first data keys."""

from __future__ import annotations

import io
import json
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode
from uuid import uuid4

from consumers.tenant_api import handler as entry
from consumers.tenant_api.api import TenantApi
from consumers.tenant_api.caller import Caller
from consumers.tenant_api.contract import operations
from consumers.tenant_api.keys import TenantKeys
from consumers.tenant_api.segment import segment_of
from consumers.tenant_api.session import DENIED_SECONDS, TenantSession
from consumers.tenant_api.writing import ItemChanges
from shared.aws import audited
from shared.errors import KeyDenied
from shared.keys.keyring import Keyring
from shared.keys.ports import EncryptionContext, GeneratedKey
from shared.policy.compiled import Policy
from shared.policy.load import parse_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.time_left import TimeLeft
from shared.sealed_table import SealedTable
from tests.fakes.clock import FakeClock
from tests.fakes.items import FakeItemTable
from tests.fakes.kept_events import KeptEvents
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore

POLICY: Final = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[defaults]
data_class = "restricted"
[classes.pii]
[classes.restricted]
[attributes]
"amount" = { plain = "number" }
"version" = { plain = "number" }
"name" = { seal = "pii" }
"""
LIMITED_CLASSES: Final = frozenset({"pii"})
EVERYTHING: Final = "items.read items.write classes.all"
REQUEST_ID: Final = "Zbh2-gVJjoEEP8g="


class _SessionKeys:
    """KMS as a tenant session reaches it: it opens its tenant's keys of some classes, and makes none."""

    def __init__(
        self, kms: FakeKeyService, tenant_id: str, classes: Collection[str] | None, denials: list[str]
    ) -> None:
        self._denials = denials
        self._kms = kms
        self._tenant_id = tenant_id
        self._classes = classes

    def generate(self, context: EncryptionContext) -> GeneratedKey:
        raise KeyDenied("a session makes no keys")

    def decrypt(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> bytes:
        if context["tenant_id"] != self._tenant_id:
            raise KeyDenied("another tenant's")
        if self._classes is not None and context["data_class"] not in self._classes:
            self._denials.append(context["data_class"])
            raise KeyDenied("a class that stays closed")
        return self._kms.decrypt(encrypted, kms_key_arn, context)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def problem(self) -> str:
        """The last part of the problem's type."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.status == self.json["status"]
        return str(self.json["type"]).removeprefix("/problems/")


class ApiWorld:
    """The API and what stands around it.

    Attributes:
        ensured: the requests to make keys, as they came.
        denials: classes of the keys that KMS denied a session, each time.
        before_ensure: called before each; may raise.
        ensures: whether the function that makes keys makes any.
    """

    def __init__(self, policy: str = POLICY) -> None:
        self.policy = parse_policy(policy, "policy.toml")
        self.table = FakeItemTable()
        self.store = FakeKeyStore()
        self.kms = FakeKeyService()
        self.clock = FakeClock()
        self.log = io.StringIO()
        self.kept = KeptEvents()
        self.audit_log = AuditLog(self.log, trail=self.kept)
        self.ensured: list[tuple[str, list[str]]] = []
        self.before_ensure: Callable[[], None] = lambda: None
        self.ensures = True
        self.denials: list[str] = []
        self.sessions: dict[Caller, TenantSession] = {}
        self.restart()

    def restart(self) -> None:
        """Another process, which knows nothing."""
        self.sessions.clear()
        self.api = TenantApi(
            tenant_claim="tenant_id",
            session_of=self._session_of,
            forget_session=self._forget_session,
            changes=ItemChanges(self.policy, TenantKeys(self._ensure), lambda: int(self.clock.wall() * 1_000_000_000)),
            audit_log=self.audit_log,
            wall=self.clock.wall,
            time_left=TimeLeft(),
        )

    def call(
        self,
        route: str,
        *,
        body: Any = None,
        claims: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **more: str,
    ) -> Answer:
        """One request by tenant acme, with every scope; `more` are path segments and, in capitals, headers."""
        headers = {name.replace("_", "-"): value for name, value in more.items() if name[0].isupper()}
        path = {"tenant_id": "acme"} | {name: value for name, value in more.items() if name[0].islower()}
        text = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return self.receive(event(route, path=path, query=query, headers=headers, body=text, claims=claims))

    def put(self, body: Any, item_id: str = "c-1", **more: Any) -> Answer:
        return self.call("POST /tenants/{tenant_id}/items/{item_id}", body=body, item_id=segment_of(item_id), **more)

    def get(self, item_id: str = "c-1", **more: Any) -> Answer:
        return self.call("GET /tenants/{tenant_id}/items/{item_id}", item_id=segment_of(item_id), **more)

    def delete(self, item_id: str = "c-1", **more: Any) -> Answer:
        return self.call("DELETE /tenants/{tenant_id}/items/{item_id}", item_id=segment_of(item_id), **more)

    def receive(self, request: Mapping[str, Any]) -> Answer:
        """One event through the handler itself."""
        wire, entry._api = entry._api, lambda: self.api  # type: ignore[assignment]
        log, audited.audit_log = audited.audit_log, lambda: self.audit_log  # type: ignore[assignment]
        try:
            answer = entry.handler(request, _NoContext())
        finally:
            entry._api, audited.audit_log = wire, log
        return Answer(answer["statusCode"], answer["headers"], answer.get("body", ""))

    def audit_events(self) -> list[dict[str, Any]]:
        return [dict(event) for event in self.kept.events]

    def keyring(self, service: Any, *, denied_seconds: float = 0) -> Keyring:
        return Keyring(
            store=self.store,
            service=service,
            dataset=self.policy.dataset,
            trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
            wall=self.clock.wall,
            monotonic=self.clock.monotonic,
            denied_seconds=denied_seconds,
        )

    def _ensure(self, tenant_id: str, data_classes: Collection[str]) -> None:
        self.before_ensure()
        self.ensured.append((tenant_id, sorted(data_classes)))
        for data_class in data_classes if self.ensures else ():
            self.keyring(self.kms).active(tenant_id, data_class)

    def _session_of(self, caller: Caller) -> TenantSession:
        if caller not in self.sessions:
            self.sessions[caller] = self._connect(caller, self.policy)
        return self.sessions[caller]

    def _forget_session(self, caller: Caller) -> None:
        self.sessions.pop(caller, None)

    def _connect(self, caller: Caller, policy: Policy) -> TenantSession:
        classes = None if caller.opens_all_classes else LIMITED_CLASSES
        keyring = self.keyring(
            _SessionKeys(self.kms, caller.tenant_id, classes, self.denials), denied_seconds=DENIED_SECONDS
        )
        table = SealedTable(
            reads=self.table,  # type: ignore[arg-type] # neither queried nor scanned
            writes=self.table,
            keyring=keyring,
            statuses=self.store,
            policy=policy,
            unreadable="mark",
        )
        return TenantSession(caller.tenant_id, table, self.table, keyring, self.store, self.store)


class _NoContext:
    def __init__(self) -> None:
        self.aws_request_id = uuid4().hex

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def event(
    route: str,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    claims: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What API Gateway sends to a function, payload 2.0; a body is declared as JSON unless a header says otherwise."""
    named = {name.lower(): value for name, value in (headers or {}).items()}
    _, _, template = route.partition(" ")
    declared = {"content-type": "application/json"} if body is not None else {}
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": template.format_map(dict(path or {})),
        "rawQueryString": urlencode(query or {}),
        "headers": declared | named,
        "requestContext": {"requestId": REQUEST_ID, "stage": "$default"},
        "isBase64Encoded": False,
    }
    if path:
        made["pathParameters"] = dict(path)
    if query:
        made["queryStringParameters"] = dict(query)
    if body is not None:
        made["body"] = body
    given = {"tenant_id": "acme", "scope": EVERYTHING} if claims is None else dict(claims)
    made["requestContext"]["authorizer"] = {"jwt": {"claims": given, "scopes": None}}
    return made


def wsgi(world: ApiWorld) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """The HTTP API as a WSGI application, whose issuer gives everybody a token of the tenant that he asks for."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = _routed(world, environ)
        start_response(f"{answer.status} _", list(answer.headers.items()))
        return [answer.text.encode()]

    return application


def _routed(world: ApiWorld, environ: Mapping[str, Any]) -> Answer:
    raw_path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    for route, operation in operations().items():
        method, _, template = route.partition(" ")
        found = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)), raw_path)
        if method == environ["REQUEST_METHOD"] and found:
            headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
            if operation.scope and not headers.get("AUTHORIZATION", "").startswith("Bearer good"):
                return _gateways(401, "Unauthorized")
            headers |= {"content-type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
            request = event(
                route,
                path={name: unquote(value) for name, value in found.groupdict().items()},
                query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
                headers=headers,
                body=b64encode(environ["wsgi.input"].read()).decode(),
                claims={"tenant_id": found.groupdict().get("tenant_id", ""), "scope": EVERYTHING},
            )
            return world.receive({**request, "isBase64Encoded": True})
    return _gateways(404, "Not Found")


def _gateways(status: int, message: str) -> Answer:
    """What API Gateway answers by itself."""
    return Answer(status, {"content-type": "application/json"}, json.dumps({"message": message}))
