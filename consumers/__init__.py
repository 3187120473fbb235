"""One package per Lambda.

In flow order: landing_ingest, encryptor, auditor, reencryptor; then those that go through the whole table: rotation,
which leads, and sweeper, which works; reopener, which takes a data key's retirement back; tenant_api, a door of its
own; and notary, which signs what the others tell. A package may hold a second function, under a role of its own: the
encryptor's `again` is the redriver, the auditor's `again` the reauditor and its `standing` the reconciler, rotation's
`ensure` makes keys for the tenant API.
"""
