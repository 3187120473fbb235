"""The tenant API: one tenant's items over HTTP, every call of AWS under credentials that IAM ties to that tenant.

handler.py      entry point: wire, call, report, answer
├── api.py          a request through all of the below; what goes wrong becomes a problem
├── request.py      API Gateway's event as a request
├── segment.py      ids in paths
├── contract.py     openapi.json: which operation, and whether its parameters and body are as it says
├── caller.py       who is asking, by the verified claims alone
├── session.py      what stands on one tenant session
├── keys.py         data keys to seal under, and whether an item may be replaced
├── stakes.py       what of it would be destroyed unseen
├── reading.py      get and list
├── writing.py      put and delete, each if what was seen still stands
├── etag.py         what a client holds against the item
├── render.py       values as JSON, exact, with markers for what is not one
├── problems.py     errors as RFC 9457 says
└── report.py       metrics of each request
"""
