"""`sealstream ingest list`: every version of every object in the landing bucket, and how far it is.

What S3 never told of, or whose message is lost, has no row of progress: only who looks into the bucket finds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ops.clock import iso
from ops.ingest.named import IN, Landing, document_of
from ops.json_lines import JsonLines
from ops.telling import for_programs
from ops.text import plural, table
from shared.landing import ObjectVersion, Progress

_AT_ONCE = 1_000


def list_objects(prefix: str = "", *, not_done: bool, as_json: bool = False, landing: Landing | None = None) -> int:
    """Print them, the versions of a key side by side.

    Args:
        prefix: of their keys.
        not_done: only those of which not every line is in.
        as_json: for programs, in a terminal too.
        landing: by default that of the environment.

    Returns:
        0 where all lines of all are in; 1 where they are not.

    Raises:
        StoreUnavailable: S3 or DynamoDB does not answer.
    """
    landing = landing or Landing.of_environment()
    as_json = for_programs(as_json=as_json)
    lines, rows, seen, left = JsonLines(), [], 0, 0
    for about, modified, progress in _standing(landing, prefix):
        is_in = progress is not None and progress.state in IN
        seen += 1
        left += not is_in
        if not_done and is_in:
            continue
        document = {**document_of(about, progress), "modified": iso(modified)}
        if as_json:
            lines.write("object", **document)
        else:
            figures = [f"{document[name]:,}" if name in document else "" for name in ("lines", "rejected")]
            rows.append((str(document["state"]), *figures, str(document["modified"]), about.name))
    if as_json:
        lines.write("listed", objects=seen, not_done=left)
    else:
        if rows:
            print("\n".join(table(("state", "lines", "rejected", "made", "object"), rows)))
        print(f"{plural(seen, 'version')} of objects, {left:,} not done")
    return 1 if left else 0


def _standing(landing: Landing, prefix: str) -> Iterator[tuple[ObjectVersion, int, Progress | None]]:
    versions = iter(landing.versions.versions(landing.bucket, prefix))
    while some := list(islice(versions, _AT_ONCE)):
        stored = landing.stored.load_many([about for about, _ in some])
        for about, modified in some:
            yield about, modified, stored.get(about.name)
