"""One request from its event to its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from consumers.tenant_api.caller import Caller, caller_of
from consumers.tenant_api.contract import Operation, document_text, operations
from consumers.tenant_api.problems import Problem, ProblemType, Refused
from consumers.tenant_api.reading import address_text, get, item_text, own_text, page_text
from consumers.tenant_api.report import Tally
from consumers.tenant_api.request import Request, answer, problem_answer
from consumers.tenant_api.segment import check_whole, item_id_of
from consumers.tenant_api.session import TenantSession
from consumers.tenant_api.writing import ItemChanges, WriteUnanswered, own_attributes
from shared.errors import RecordRejected, RetryLater, StoreDenied
from shared.identity import is_tenant_id
from shared.model import ITEM_ID, TENANT_ID
from shared.public_ids import public_tenant
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.batch import Context
from shared.runtime.log import log_failure
from shared.runtime.time_left import TimeLeft

BAG_ID: Final = "_bag"
"""The item that holds a tenant's one bag of attributes."""
_OPENAPI: Final = "get_openapi"
_UNANSWERED: Final = "perhaps it was written all the same: read it before you try again"


@dataclass(frozen=True, slots=True)
class TenantApi:
    """Answers requests.

    Attributes:
        tenant_claim: the claim that says whose a token is.
        session_of: gives the session of a caller.
        forget_session: has the next one made anew.
        wall: seconds since the epoch.
    """

    tenant_claim: str
    session_of: Callable[[Caller], TenantSession]
    forget_session: Callable[[Caller], None]
    changes: ItemChanges
    audit_log: AuditLog = field(repr=False)
    wall: Callable[[], float]
    time_left: TimeLeft

    def answer(self, request: Request, context: Context, tally: Tally) -> dict[str, Any]:
        """The answer, a problem where the request is refused or something is not available in time."""
        self.time_left.begin(context)
        try:
            return self._answer(request, tally)
        except Refused as refused:
            problem = refused.problem
        except RecordRejected as rejected:
            problem = Problem(ProblemType.INVALID_ITEM, rejected.detail, {"reason": str(rejected.reason)})
        except RetryLater as error:
            log_failure(error, request_id=request.request_id)
            problem = Problem(ProblemType.UNAVAILABLE, _UNANSWERED if isinstance(error, WriteUnanswered) else "")
        return problem_answer(problem, request.request_id)

    def _answer(self, request: Request, tally: Tally) -> dict[str, Any]:
        operation = operations().get(request.route)
        if operation is None:
            raise Refused(ProblemType.NOT_FOUND, "there is no such operation")
        if operation.name == _OPENAPI:
            return answer(200, document_text())
        caller = self._caller(request, operation, tally)
        parameters = operation.read(request)
        check_whole(request)
        item_id = item_id_of(parameters.get(ITEM_ID, BAG_ID))
        try:
            return self._done(request, operation, self._session(caller, tally), item_id, parameters)
        except StoreDenied:  # its session may have been revoked; what is denied has done nothing
            self.forget_session(caller)
            return self._done(request, operation, self._session(caller, tally), item_id, parameters)

    def _session(self, caller: Caller, tally: Tally) -> TenantSession:
        session = self.session_of(caller)
        tally.keyrings.append(session.keyring)
        return session

    def _done(
        self, request: Request, operation: Operation, session: TenantSession, item_id: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        match operation.name:
            case "list_items":
                return answer(200, page_text(session, limit=parameters["limit"], token=parameters["next"]))
            case "get_item":
                item, etag = get(session, item_id)
                return answer(200, item_text(item), etag=etag)
            case "get_bag":
                item, etag = get(session, item_id)
                return answer(200, own_text(item), etag=etag)
            case "delete_item":
                self.changes.delete(session, item_id, parameters)
                return answer(204)
            case _:
                return self._put(request, operation, session, item_id, parameters)

    def _put(
        self, request: Request, operation: Operation, session: TenantSession, item_id: str, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        rules = self.changes.policy.item
        attributes = own_attributes(request.body(), operation, rules, tenant_id=session.tenant_id, item_id=item_id)
        put = self.changes.put(session, item_id, attributes, parameters)
        body = address_text(session.tenant_id, item_id)
        return answer(201 if put.created else 200, body, etag=put.etag)

    def _caller(self, request: Request, operation: Operation, tally: Tally) -> Caller:
        """Who asks, held against whose items are asked for; whoever is turned away here is told of."""
        asked, caller = request.path.get(TENANT_ID), None
        try:
            caller = caller_of(request.claims, self.tenant_claim)
            caller.demand(operation.scope, asked)
        except Refused as refused:
            self.audit_log.write(
                AuditEvent.ACCESS_DENIED,
                event_id=event_id("access", request.request_id),
                at=self.wall(),
                tenant_id=caller and public_tenant(caller.tenant_id),
                asked_tenant_id=public_tenant(asked) if is_tenant_id(asked) else None,
                operation=operation.name,
                why=str(refused.problem.type),
                request_id=request.request_id,
            )
            tally.denied += 1
            raise
        return caller
