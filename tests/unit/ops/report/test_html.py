"""Nothing but our own elements stands in the page."""

from __future__ import annotations

from ops.report.html import Html, joined, tag


def test_text_is_escaped_and_markup_is_not():
    assert "<p>&lt;b&gt; <b>&amp;</b></p>" == tag("p", "<b> ", tag("b", "&"))


def test_an_attribute_is_escaped():
    assert '<a href="&quot;&gt;&lt;x">1</a>' == tag("a", "1", href='"><x')


def test_what_hides_or_turns_text_around_is_told():
    assert "a\\u202eb\\u0000" == joined("a\u202eb\0")


def test_an_attribute_that_is_not_there_is_not_named():
    assert "<p hidden>1</p>" == tag("p", "1", class_=None, open=False, hidden=True)


def test_markup_is_no_markup_once_it_was_changed():
    assert "&lt;b&gt;" == joined(Html("<B>").lower())
