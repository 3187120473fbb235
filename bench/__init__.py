"""Measurements on the local AWS: `make bench` makes the README's table of rotation, `make drill` the large drill."""
