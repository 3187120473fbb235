from __future__ import annotations

import json

import pytest

from ops.audit.attest import attest
from ops.errors import FunctionRefused


@pytest.mark.parametrize("findings", [0, 2])
def test_it_says_what_was_attested_and_whether_all_is_well(capsys, findings):
    answer = {"manifests": 1, "segments": 3, "findings": findings}

    assert bool(findings) == bool(attest(as_json=True, notary=lambda _: answer))
    assert {"event": "attested", **answer} == json.loads(capsys.readouterr().out)


def test_people_are_told_in_words(capsys, monkeypatch):
    monkeypatch.setattr("ops.audit.attest.for_programs", lambda *, as_json: as_json)
    attest(as_json=False, notary=lambda _: {"manifests": 1, "segments": 3, "findings": 1})

    assert (
        "1 manifest of 3 segments written\n1 thing not as written: `sealstream audit verify` says which\n"
        == capsys.readouterr().out
    )


@pytest.mark.parametrize("answer", [None, [], {}, {"manifests": "1", "segments": 3, "findings": 0}])
def test_another_answer_is_refused(answer):
    with pytest.raises(FunctionRefused):
        attest(as_json=True, notary=lambda _: answer)
