"""One package per Lambda, in flow order: encryptor, auditor, reencryptor, rotation, sweeper."""
