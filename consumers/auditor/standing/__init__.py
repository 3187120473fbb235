"""The reconciler: the auditor's second function, of the same asset, under a role of its own.

It audits items as they stand in the table, by the common scan (`shared/scan`), for changes that the table's stream
never brought to the auditor. It opens nothing and writes no item.
"""
