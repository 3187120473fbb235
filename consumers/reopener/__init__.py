"""The reopener Lambda: takes a data key's retirement back, and does nothing else.

A function of its own, so that who meets a value under a retired key may have that key reopened without being able to
begin a run.
"""
