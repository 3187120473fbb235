"""The reauditor: the auditor's function for operators, of the same asset, under a role of its own.

It judges again what outlasted every retry, read from the table's stream (`operations`). Operators send positions to it;
the auditor itself takes changes from its stream alone, so whoever may invoke this one invents no change.
"""
