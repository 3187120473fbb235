"""The lines of keys, in every spelling that TOML has."""

from __future__ import annotations

from shared.policy.lines import key_lines


def test_each_key_and_header_has_its_line():
    source = """\
top = 1  # not = here
# [no.table]

[a."b.c"]
'quoted = key' = "[not] = a # table"
dotted . key = [
  1, # ] = {
  { x = 2 },
]
after = { y = 1, z = "}" }
text = \"\"\"
in_text = 1
[in.text]
""\"\"\"\"
literal = '''
in_literal = "
'''
[[list]]
last = 1\
"""
    assert key_lines(source) == {
        ("top",): 1,
        ("a", "b.c"): 4,
        ("a", "b.c", "quoted = key"): 5,
        ("a", "b.c", "dotted", "key"): 6,
        ("a", "b.c", "after"): 10,
        ("a", "b.c", "text"): 11,
        ("a", "b.c", "literal"): 15,
        ("list",): 18,
        ("list", "last"): 19,
    }


def test_a_table_that_is_opened_twice_keeps_its_first_line():
    assert key_lines("[[a]]\n[[a]]\nb = 1\n") == {("a",): 1, ("a", "b"): 3}


def test_carriage_returns_are_no_keys():
    assert key_lines("a = 1\r\n\r\n[b]\r\nc = 2\r\n") == {("a",): 1, ("b",): 3, ("b", "c"): 4}
