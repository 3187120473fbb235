"""What was given up, or is wanted once more, goes through the encryptor again: the function `redriver`.

Operators send positions and ids (`operations`), this function reads and writes. Records of the stream are read from
Kinesis again (`stretches`), those in quarantine out of their entries (`entries`, `content`), and take the encryptor's
own path; `telling` writes what became of them.
"""
