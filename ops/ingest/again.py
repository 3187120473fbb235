"""`sealstream ingest again`: an object's message is sent anew, as S3 had sent it."""

from __future__ import annotations

from collections.abc import Callable

from ops.environment import setting
from ops.ingest.named import Landing, document_of
from ops.json_lines import JsonLines
from ops.telling import for_programs
from shared.aws.clients import client
from shared.aws.landing_queue import SqsLandingQueue
from shared.landing import NO_SEQUENCER, Notice
from shared.printable import printable


def again(
    uri: str,
    *,
    from_start: bool,
    lost: bool = False,
    as_json: bool = False,
    landing: Landing | None = None,
    send: Callable[[Notice], None] | None = None,
) -> int:
    """Send it, unless the object has ended and is not to be read from its start; or was never begun, and is not lost.

    Where S3's message is still on its way, it brings the sequencer, which the first message to come settles for ever:
    by it, of two versions of one second, the newer one wins.

    Returns:
        0 where it was sent; 1 where there is nothing to do.

    Raises:
        RequestRefused: there is no such object.
        StoreUnavailable: S3, DynamoDB or SQS does not answer.
    """
    landing = landing or Landing.of_environment()
    about = landing.named(uri)
    progress = landing.stored.load(about)
    run = 1 if progress is None else progress.run
    sequencer = NO_SEQUENCER if progress is None else progress.sequencer
    does = lost if progress is None else from_start or not progress.has_ended
    if does:
        send = send or SqsLandingQueue(client("sqs"), setting("LANDING_QUEUE")).send
        send(Notice(about, sequencer, run + 1 if from_start and progress is not None else run))
    if for_programs(as_json=as_json):
        event = "asked" if does else "not_begun" if progress is None else "ended"
        JsonLines().write(event, **document_of(about, progress))
    elif does:
        print(f"asked for {printable(about.name)}: sealstream ingest status shows how far it is")
    elif progress is None:
        print(
            f"{printable(about.name)} was never begun: its message is on its way, or among the dead letters "
            "(sealstream deadletter list --of landing); --lost sends another, where there is none"
        )
    else:
        print(f"{printable(about.name)} has ended: {progress.state.value}; --from-start reads it whole once more")
    return 0 if does else 1
