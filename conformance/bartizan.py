"""Calls bartizan and reads what it prints."""

import json
import os
import pathlib
import subprocess

PROGRAM = os.environ["BARTIZAN"]
SHARED = pathlib.Path(os.environ["BARTIZAN_SHARED"])
DATA = SHARED / "data"
RULES = DATA / "rules"

# What the exit status may be when the command did its work: done, alerts found, some rule could not run.
DID_ITS_WORK = (0, 1, 2)


def json_of(*arguments):
    """The JSON that bartizan prints for these arguments.

    Raises RuntimeError with what it said when it did not do its work.
    """
    command = [PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in DID_ITS_WORK:
        raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def hunt(paths, *options):
    """A hunt over `paths` with the public rules and no others: an object with `alerts`, `rules` and `coverage`."""
    return json_of("hunt", *paths, "--rules", RULES, "--no-builtin-rules", "--format", "json", *options)
