"""The dashboard: its order, and that what it shows is written by somebody, and what is written is shown."""

from __future__ import annotations

import re

import pytest

from infra import prices
from infra.dashboard import _NO_LINKS as NO_LINKS
from infra.dashboard_cost import _number
from infra.watch_settings import RUNBOOK
from shared.runtime.metrics import NAMESPACE, Metric
from tests.infra.aws_metrics import AWS_METRICS
from tests.infra.conftest import OTHER
from tests.infra.emitted import REPORTS, calling, written_by
from tests.infra.synthesis import ACCOUNT, REGION, ROOT
from tests.infra.watching import (
    alarms_of,
    body_of,
    emitted,
    expressions_in,
    infos_of,
    own_of,
    read_by,
    shown_in,
    widgets_of,
)
from tests.unit.docs.pages import anchors

PAGE = ROOT / RUNBOOK
URL = OTHER["runbook_url"]
NOT_SHOWN = {
    ("redriver", "RecordsQuarantined.+"): "what it leaves in quarantine the encryptor counted when it came there",
    ("reauditor", "PutToVerifiedSeconds"): "of what an operator had judged again, hours later",
}
"""Of which function, what (as a pattern), and why nobody who was woken looks for it."""


@pytest.fixture
def widgets(cloud):
    return widgets_of(cloud)


@pytest.fixture
def shown(widgets):
    return own_of(read for widget in widgets for read in shown_in(widget))


def _titles(widgets):
    return [widget["properties"].get("title") or widget["properties"]["markdown"] for widget in widgets]


def test_it_asks_from_top_to_bottom_what_somebody_asks_who_was_woken(widgets):
    headings = [title.splitlines()[0] for title in _titles(widgets) if title.startswith("#")]

    assert [
        "# sealstream: read from top to bottom",
        "## 1 · Is anything exposed?",
        "## 2 · Is anything stuck?",
        "## 3 · Is it keeping up?",
        "## 4 · Keys and rotation",
        "## 5 · What does it cost?",
    ] == headings


def test_each_question_leads_to_sections_of_the_runbook_where_it_has_an_address(other_and_unacceptable):
    titles = _titles(widgets_of(other_and_unacceptable))
    links = [re.findall(rf"\[[^]]+\]\({URL}#([\w-]+)\)", title) for title in titles if title.startswith("## ")]

    assert len(links) == 5
    assert all(links)
    assert set().union(*links) <= anchors(PAGE)
    assert f"[the runbook]({URL})" in titles[0]
    assert NO_LINKS not in infos_of(other_and_unacceptable)


def test_without_an_address_it_names_them_and_no_link_leads_into_the_console(cloud, local, widgets):
    headings = [title for title in _titles(widgets) if title.startswith("#")]

    assert all("Runbook: " in title or "the runbook" in title for title in headings)
    assert [] == [title for title in headings if "](" in title]
    assert NO_LINKS in infos_of(cloud), "whoever deploys is told"
    assert NO_LINKS not in infos_of(local)


def test_a_point_is_of_five_minutes_whatever_time_is_looked_at(cloud, widgets):
    assert "inherit" == body_of(cloud)["periodOverride"]

    metrics = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
    others = [metric for metric in metrics if metric[-1].get("period", 300) != 300 and "expression" not in metric[-1]]
    assert {("AWS/Usage", "CallCount")} == {tuple(metric[:2]) for metric in others}


def test_the_first_thing_it_shows_is_every_alarm_by_its_state(cloud, widgets):
    (board,) = [widget for widget in widgets if widget["type"] == "alarm"]

    assert widgets.index(board) == 1
    assert sorted(board["properties"]["alarms"]) == sorted(
        f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:sealstream-{name}" for name in alarms_of(cloud)
    )


def test_nothing_lies_over_another_or_beside_the_page(widgets):
    taken = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]

    assert len(taken) == len(set(taken))
    assert {x for x, _ in taken} == set(range(24))


def test_whatever_writes_metrics_is_run_to_see_which():
    by_whom = set(calling("work_for")) - {"shared.scan.invocation"}
    reports_of_them = {f"{module.removesuffix('.handler')}.report" for module in by_whom}

    assert REPORTS.keys() == (set(calling("emit")) - {"shared.scan.invocation"}) | reports_of_them


@pytest.mark.parametrize("module", REPORTS)
def test_the_unit_of_a_metric_is_that_of_its_name(module):
    units = written_by(module)
    assert units

    for name, unit in units.items():
        assert unit == ("Seconds" if name.endswith("Seconds") else "Milliseconds" if name.endswith("Ms") else "Count")


def test_whatever_it_shows_of_our_own_a_deployed_function_writes(cloud, shown):
    assert len(shown) > 100
    assert set() == shown - emitted(cloud)


def test_whatever_an_alarm_watches_of_our_own_a_deployed_function_writes(cloud):
    watched = own_of(read for alarm in alarms_of(cloud).values() for read in read_by(alarm))

    assert len(watched) > 20
    assert set() == watched - emitted(cloud)


def test_whatever_is_read_of_aws_is_what_its_documentation_names(cloud, widgets):
    reads = [read for widget in widgets for read in shown_in(widget)]
    reads += [read for alarm in alarms_of(cloud).values() for read in read_by(alarm)]
    read: dict[str, set[str]] = {}
    for one in reads:
        if one.namespace != NAMESPACE:
            assert frozenset(name for name, _ in one.dimensions) == AWS_METRICS[one.namespace][0], one
            read.setdefault(one.namespace, set()).add(one.name)

    assert {namespace: names for namespace, (_, names) in AWS_METRICS.items()} == read


def test_whatever_a_function_writes_is_shown_or_it_is_said_why_not(cloud, shown):
    missing = {(function.removeprefix("sealstream-"), name) for function, name in emitted(cloud) - shown}
    excused = {
        (function, name): (of, pattern)
        for function, name in missing
        for of, pattern in NOT_SHOWN
        if function == of and re.fullmatch(pattern, name)
    }

    assert set() == missing - excused.keys()
    assert NOT_SHOWN.keys() == set(excused.values()), "an excuse that nobody needs any more"


def test_every_metric_there_is_is_written_by_some_function(cloud):
    assert set(map(str, Metric)) <= {name for _, name in emitted(cloud)}


def test_percentiles_and_maxima_are_of_what_is_no_count(widgets):
    counted = {
        read.name
        for widget in widgets
        for read in shown_in(widget)
        if read.namespace == NAMESPACE and read.statistic != "Sum"
    }

    assert {
        Metric.OLDEST_RECORD_AGE_SECONDS,
        Metric.BATCH_DURATION_MS,
        Metric.PUT_TO_VERIFIED_SECONDS,
        Metric.RUNS_UNDER_WAY,
        Metric.RUN_STEPS,
        Metric.RUN_SEGMENTS,
        Metric.RUN_SEGMENTS_DONE,
        Metric.ROTATION_AGE_SECONDS,
        Metric.CENSUS_VALUES,
        Metric.CENSUS_VALUES_STALE,
        Metric.CENSUS_VALUES_UNKNOWN,
        Metric.CENSUS_AGE_SECONDS,
        Metric.EXPOSURES_KNOWN,
        Metric.QUARANTINE_HELD,
    } == counted


def test_an_expression_names_only_metrics_of_its_own_widget(widgets):
    for widget in widgets:
        ids = {metric[-1]["id"] for metric in widget["properties"].get("metrics", []) if "id" in metric[-1]}
        for expression in expressions_in(widget):
            named = set(re.findall(r"\b[a-z]\w*", expression))
            assert named <= ids, expression
            assert "e-" not in expression, "an exponent is no number there"


def test_whatever_is_drawn_has_a_name_for_those_who_read_it(widgets):
    """A metric that stands in a widget twice, drawn and in an expression, would lose the one that it is drawn by."""
    for widget in widgets:
        drawn = [metric[-1] for metric in widget["properties"].get("metrics", []) if metric[-1].get("visible", True)]
        assert [] == [options for options in drawn if not options.get("label")], widget["properties"]["title"]


def test_without_a_tenant_api_nothing_of_it_is_shown(other_and_unacceptable):
    text = str(widgets_of(other_and_unacceptable))

    assert "acme-encryptor" in text
    assert "tenant-api" not in text


def test_the_cost_is_what_was_counted_times_the_price(widgets):
    """The expressions, evaluated as CloudWatch does, for an hour in which everything was 1,000 each five minutes."""
    (board,) = [widget for widget in widgets if widget["properties"].get("title", "").startswith("On average")]
    metrics = board["properties"]["metrics"]
    named = {metric[-1]["id"]: metric[-1] for metric in metrics if "id" in metric[-1]}
    terms = {name: metric["expression"] for name, metric in named.items() if "expression" in metric}
    counted = dict.fromkeys(named.keys() - terms.keys(), 1_000.0)

    def value(name):
        if name in counted:
            return counted[name]
        expression = re.sub(r"PERIOD\(\w+\)", "300", terms[name])
        expression = re.sub(r"FILL\((\w+), 0\)", r"\1", re.sub("TIME_SERIES|AVG", "", expression))
        return eval(  # noqa: S307 - of our own template
            re.sub(r"\b[a-z]\w*", lambda found: repr(value(found[0])), expression), {"__builtins__": {}}
        )

    kms = [name for name in counted if name.startswith("kms")]
    assert value("kms") == pytest.approx((len(kms) * 3 + 15) * 1_000 * 12 / 1e6)
    assert value("gateway") == pytest.approx(1_000 * 12 * prices.LIST["API Gateway HTTP request"] / 1e6)
    assert value("kinesis") == pytest.approx(
        0.04 + 12 * ((1_000 + 512 * 1_000) * (0.08 + 0.10 * 144 / 730) + 1_000 * 0.04) / 2**30
    )
    services = ("kinesis", "lambda", "dynamodb", "kms", "logs", "sqs", "s3", "gateway")
    assert value("dollars") == pytest.approx(sum(map(value, services)))
    terms |= {metric[-1]["label"]: metric[-1]["expression"] for metric in metrics if metric[-1].get("visible", True)}
    assert value("US$ an hour") == pytest.approx(value("dollars"))
    assert value("US$ a million records written") == pytest.approx(value("dollars") / 12_000 * 1e6)


def test_what_it_costs_is_told_of_periods_that_have_ended_too(widgets):
    """The latest value is of the last five minutes, which are not over: only what is the same in each may be shown."""
    (board,) = [widget for widget in widgets if widget["properties"].get("title", "").startswith("On average")]
    shown = [metric[-1] for metric in board["properties"]["metrics"] if metric[-1].get("visible", True)]

    assert 2 == len(shown)
    assert all(re.fullmatch(r"TIME_SERIES\(.*AVG\(dollars\).*\)", metric["expression"]) for metric in shown)


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.04"), (3e-6, "0.000003"), (0.0, "0"), (1.5, "1.5")])
def test_a_price_is_written_without_an_exponent(value, text):
    assert text == _number(value)
