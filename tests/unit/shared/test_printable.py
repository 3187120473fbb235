"""Whatever a text holds, a terminal shows it and does nothing else."""

from __future__ import annotations

import pytest

from shared.printable import printable, quoted


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("plain words, Größe", "plain words, Größe"),
        ("\\u001b[2Jgone", "\x1b[2Jgone"),
        ("two\\nlines", "two\nlines"),
        ("\\u202eturned", "\u202eturned"),
        ("\\u200bhidden", "\u200bhidden"),
    ],
)
def test_what_a_terminal_could_obey_or_hide_is_escaped(expected, text):
    assert expected == printable(text)


def test_a_quoted_text_is_the_same_as_a_json_string():
    assert '"a \\"word\\" \\u202e ö"' == quoted('a "word" \u202e ö')
