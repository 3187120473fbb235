"""`make bench` measures all of it; `python -m bench PART` one part."""

from __future__ import annotations

import click

from bench.detection.command import detection
from bench.landing import landing
from bench.limits.command import limits
from bench.rotation import rotation


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure; without a part, everything."""
    if context.invoked_subcommand is None:
        context.invoke(rotation)
        context.invoke(limits)
        context.invoke(landing)
        context.invoke(detection)


main.add_command(rotation)
main.add_command(limits)
main.add_command(landing)
main.add_command(detection)

if __name__ == "__main__":
    main()
