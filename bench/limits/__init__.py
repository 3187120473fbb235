"""The figures of the runbook's "Limits known in advance": the real encryptor, with fakes in the place of AWS."""
