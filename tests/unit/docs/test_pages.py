"""Whatever a page names exists: pages, headings, files, tests, audit events, metrics, variables."""

from __future__ import annotations

import re

import pytest

from shared.errors import Reason
from shared.runtime.audit_log import AuditEvent
from shared.runtime.metrics import Metric, reason_metric
from tests.unit.docs.pages import PAGES, ROOT, anchors, code_spans, links, name_of, names_of_tests, tables, text_of

FOLDERS = ("consumers", "shared", "infra", "ops", "tests", "docs", "requirements")
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=name_of)
METRICS = set(Metric) | set(map(reason_metric, Reason))


def test_there_are_pages():
    assert {"README.md", "docs/architecture.md", "docs/threat_model.md", "docs/runbook.md"} <= set(map(name_of, PAGES))


@EVERY_PAGE
def test_every_link_leads_somewhere(page):
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


@EVERY_PAGE
def test_every_file_that_is_named_exists(page):
    named = [span.partition(":")[0] for span in code_spans(page) if re.fullmatch(r"[\w.*/-]+(?:::?\w+)*", span)]
    missing = [path for path in named if path.split("/")[0] in FOLDERS and "/" in path and not list(ROOT.glob(path))]

    assert missing == []


@EVERY_PAGE
def test_every_test_that_is_named_exists(page):
    named = set(re.findall(r"\btest_\w+\b(?!\.py)", text_of(page)))

    assert named - names_of_tests() == set()


@EVERY_PAGE
def test_every_audit_event_that_is_named_exists(page):
    named = {
        span for span in code_spans(page) if re.fullmatch(r"(record|key)\.[a-z_]+|item\.[a-z]+(_[a-z]+)?", span)
    } - {"record.json", "item.tenant", "item.id", "item.order", "item.unknown_order"}  # a file, and the policy's keys

    assert named - set(AuditEvent) == set()


@EVERY_PAGE
def test_every_metric_that_is_named_exists(page):
    ours = r"(?:Records|Items|Findings|Values|Keys|KeyCache|Kms|AttributesSealed|OldestRecord|BatchDuration)\w*"

    assert {span for span in code_spans(page) if re.fullmatch(ours, span)} - METRICS == set()


@EVERY_PAGE
def test_every_variable_that_is_named_exists(page):
    outputs = re.findall(r'CfnOutput\(self, "(\w+)"', "".join(f.read_text("utf-8") for f in ROOT.glob("infra/*.py")))
    variables = {"SEALSTREAM_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() for name in outputs}

    assert set(re.findall(r"SEALSTREAM_[A-Z_]+[A-Z]", text_of(page))) - variables == set()


def test_every_page_that_the_code_names_exists():
    sources = [file for folder in FOLDERS[:-2] for file in (ROOT / folder).rglob("*.py")]
    named = {page for file in sources for page in re.findall(r"\bdocs/[\w/-]+\.md", file.read_text("utf-8"))}

    assert named
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []


def test_every_guarantee_of_the_readme_has_its_test():
    readme = ROOT / "README.md"
    if not text_of(readme):
        pytest.skip("the README is not written yet")
    (guarantees,) = (rows for rows in tables(readme) if "uarantee" in rows[0][0] or "promise" in rows[0][0].lower())

    for row in guarantees[1:]:
        named = re.findall(r"`(test_\w+)`|\btests/[\w/]+\.py\b|::(test_\w+)", " ".join(row))
        assert named, row[0]
