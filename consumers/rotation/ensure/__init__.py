"""Ensure-keys: makes the first data keys of a tenant for those who may not make any; a function and role of its own.

A tenant session opens data keys and can make none. The tenant API asks here for those that it needs and that are not
there yet; they are made without anybody seeing them, and stored before the answer.
"""
