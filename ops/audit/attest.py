"""`sealstream audit attest`: a manifest now, instead of when the notary's next comes."""

from __future__ import annotations

from ops.environment import function
from ops.functions import Invoke, not_understood
from ops.json_lines import JsonLines
from ops.telling import for_programs
from ops.text import plural


def attest(*, as_json: bool, notary: Invoke | None = None) -> int:
    """Invoke the notary; the exit status: 1 where it found something that is not as it was written.

    Raises:
        FunctionFailed: it may be that the notary is at work already, or that the trail cannot be continued.
        FunctionRefused: the trail cannot be continued, or the notary cannot be invoked.
        SettingsError: the environment does not name it.
    """
    answer = (notary or function("NOTARY", "notary"))({})
    figures = answer if isinstance(answer, dict) else {}
    manifests, segments, findings = (figures.get(name) for name in ("manifests", "segments", "findings"))
    if not (isinstance(manifests, int) and isinstance(segments, int) and isinstance(findings, int)):
        raise not_understood("notary")
    if for_programs(as_json=as_json):
        JsonLines().write("attested", manifests=manifests, segments=segments, findings=findings)
    else:
        print(f"{plural(manifests, 'manifest')} of {plural(segments, 'segment')} written")
        if findings:
            print(f"{plural(findings, 'thing')} not as written: `sealstream audit verify` says which")
    return 1 if findings else 0
