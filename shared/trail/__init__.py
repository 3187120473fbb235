"""The audit trail: the form in which its events are kept. Pure: no AWS, no clock, no environment."""
