from __future__ import annotations

from ops.text import counted, plural, table


def test_a_table_has_its_cells_in_columns():
    rows = [("acme", "1,200"), ("a", "7")]
    assert ["  tenant  values", "  acme    1,200", "  a       7"] == list(table(("tenant", "values"), rows, indent=2))


def test_a_cell_is_harmless_on_a_terminal():
    assert "\x1b" not in "".join(table(("tenant",), [("\x1b[2J",)]))


def test_counts_are_named_and_none_is_nothing():
    assert "written 1,200, in clear 0" == counted({"written": 1_200, "in_clear": 0})
    assert "nothing" == counted({})


def test_one_is_not_many():
    assert ["0 entries", "1 entry", "1,206 records"] == [
        plural(0, "entry", "entries"),
        plural(1, "entry", "entries"),
        plural(1_206, "record"),
    ]
