"""The rotation Lambda: leads runs (`shared/runs`) from step to step; sweeper and reconciler do the work on items.

| module | operation |
| --- | --- |
| `begin` | begins a run, or joins the one of its kind that is not done; `options` says what may be asked for |
| `advance` | takes a run as far as it goes now: `prepare` (rewrap, renew) … `ending` (retire, destroy), `verdict` |
| | or calls it off; `retold`: what it did to keys, from their rows |
"""
