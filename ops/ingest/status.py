"""`sealstream ingest status`: how far an object is, a line per figure or as one JSON document."""

from __future__ import annotations

import json

from ops.ingest.named import IN, Landing, document_of
from ops.telling import for_programs
from ops.text import table


def status(uri: str, *, as_json: bool = False, landing: Landing | None = None) -> int:
    """Print it.

    Returns:
        0 where all its lines are in the stream; 1 where they are not, or not yet.

    Raises:
        RequestRefused: there is no such object.
        StoreUnavailable: S3 or DynamoDB does not answer.
    """
    landing = landing or Landing.of_environment()
    about = landing.named(uri)
    progress = landing.stored.load(about)
    document = document_of(about, progress)
    if for_programs(as_json=as_json):
        print(json.dumps(document))
    else:
        rows = [(name.replace("_", " "), _shown(value)) for name, value in document.items()]
        print("\n".join(table(("what", ""), rows)))
    return 0 if progress is not None and progress.state in IN else 1


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
