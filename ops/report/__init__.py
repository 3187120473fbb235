"""`sealstream report`: one page for an auditor, with the figures of a period, that needs nothing but itself.

Events go in one pass into figures (`coverage`, `exposures`, `runs`, `tally`); what stands now (`keys`, `held`) and the
trail's verification come beside them; `plots` draws, `page` writes. Only `gather` knows a deployment.
"""
