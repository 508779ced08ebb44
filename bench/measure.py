#!/usr/bin/env python3
"""Runs the steps of bench/hunt in alternating rounds and prints a table of medians.

Processor time and peak memory are what the kernel accounts to each finished process (wait4), so waiting and the other
work of the machine do not count.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib


# The two rules that Bartizan began with, by id.
FOUNDING = ("f6fee40d-8a5e-4cc8-9f73-8688419c6d68", "6951f15e-533c-4a60-8014-a3c3ab851a1b")


@dataclasses.dataclass
class Step:
    name: str
    command: list
    size: int = 0  # events in the corpus that it goes through
    writes_alerts: bool = False
    runs: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Run:
    cpu: float  # seconds, user and system
    wall: float
    peak: int  # bytes
    alerts: int


def run(step, scratch):
    out = scratch / "out"
    began = time.perf_counter()
    with open(out, "wb") as stdout, open(scratch / "err", "wb") as stderr:
        process = subprocess.Popen(step.command, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    # Status 2 of a hunt: some rule could not run. The table of rules given leaves no doubt about which did.
    if process.returncode not in ((0, 2) if step.writes_alerts else (0,)):
        said = (scratch / "err").read_text(errors="replace")
        sys.exit(f"{step.name}: exit status {process.returncode}\n{said[-2000:]}")
    alerts = 0
    if step.writes_alerts:
        with open(out, "rb") as lines:
            alerts = sum(1 for _ in lines)
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, alerts)


def link_rules(folder, types, into):
    """Links the rule files under `folder` into a new folder, those of some types or all; gives their number. Rules of
    types that do not run are part of all: a hunt reads them and says so."""
    into.mkdir(parents=True)
    count = 0
    for file in sorted(folder.rglob("*.toml")):
        if types is None or tomllib.loads(file.read_text())["rule"]["type"] in types:
            (into / file.name).symlink_to(file)
            count += 1
    return count


def hunt(options, name, folder, rules, jobs, size):
    command = [options.bartizan, "hunt", folder, *rules, "--jobs", str(jobs), "--format", "ndjson", "--no-progress"]
    return Step(name, command, size, writes_alerts=True)


def steps(options, scratch):
    cores = len(os.sched_getaffinity(0))
    large, small = (str(options.corpus / str(size)) for size in (options.large, options.small))
    decompress = f"find '{large}' -name '*.gz' -print0 | xargs -0 zcat | wc -c"
    yield Step("inflate (libdeflate)", [options.yardstick, "inflate", large], options.large)
    yield Step("L: inflate and parse", [options.yardstick, "parse", large], options.large)
    yield Step("zcat | wc -c", ["bash", "-c", decompress], options.large)
    founding = [option for rule in FOUNDING for option in ("--rule", rule)]
    # What an investigation costs is the ratio of the first two: every event is looked at for it.
    sets = [
        ("the rules we ship", []),
        ("the rules we ship, no investigations", ["--triage", "none"]),
        ("founding rules, no investigations", [*founding, "--triage", "none"]),
    ]
    aws = options.rules / "rules/integrations/aws"
    for label, folder, types in (
        ("AWS query rules", aws, ("query",)),
        ("AWS rules of all types", aws, None),
        ("rules of all types", options.rules, None),
    ):
        if folder.is_dir():
            into = scratch / label.replace(" ", "-")
            count = link_rules(folder, types, into)
            sets.append((f"{count} {label}", ["--rules", str(into), "--no-builtin-rules", "--triage", "none"]))
        else:
            print(f"not measured: {label}; no rules at {folder}")
    for label, rules in sets:
        yield hunt(options, f"hunt, {label}", large, rules, 1, options.large)
        yield hunt(options, f"hunt, {label}, {cores} jobs", large, rules, cores, options.large)
    for label, rules in sets:
        yield hunt(options, f"hunt, {label}, a quarter", small, rules, 1, options.small)


TRIAGE_PAIR = ("the rules we ship", "the rules we ship, no investigations")


def median(step, measure):
    return statistics.median(measure(one) for one in step.runs)


def ratio_to(step, yardstick):
    """How many times the yardstick's speed, the median over rounds; each round is compared with itself."""
    rates = [step.size / one.cpu / (yardstick.size / best.cpu) for one, best in zip(step.runs, yardstick.runs)]
    return statistics.median(rates)


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        print("  ".join(cells))


def main():
    arguments = argparse.ArgumentParser()
    for name in ("--bartizan", "--yardstick", "--generator"):
        arguments.add_argument(name, required=True)
    for name in ("--corpus", "--rules"):
        arguments.add_argument(name, type=pathlib.Path, required=True)
    for name in ("--small", "--large", "--rounds"):
        arguments.add_argument(name, type=int, required=True)
    options = arguments.parse_args()
    corpus = json.loads((options.corpus / f"{options.large}.json").read_text())
    print(
        f"corpus: {corpus['events']} events in {corpus['files']} files, {corpus['raw_bytes'] / 1e6:.0f} MB, "
        f"gzip {corpus['gz_bytes'] / 1e6:.0f} MB, by {options.generator}; {options.rounds} rounds, medians"
    )
    bytes_per_event = corpus["raw_bytes"] / corpus["events"]
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        all_steps = list(steps(options, scratch))
        for number in range(options.rounds):
            for step in all_steps:
                if sys.stderr.isatty():
                    print(f"\rround {number + 1} of {options.rounds}: {step.name:<50}", end="", file=sys.stderr)
                step.runs.append(run(step, scratch))
    if sys.stderr.isatty():
        print(f"\r{'':<70}\r", end="", file=sys.stderr)
    yardstick = all_steps[1]
    rows = [["step", "CPU s", "wall s", "k events/CPU-s", "MB/CPU-s", "of L", "peak MB", "alerts"]]
    for step in all_steps:
        cpu = median(step, lambda one: one.cpu)
        rows.append(
            [
                step.name,
                f"{cpu:.2f}",
                f"{median(step, lambda one: one.wall):.2f}",
                f"{step.size / cpu / 1e3:.0f}",
                f"{step.size * bytes_per_event / cpu / 1e6:.0f}",
                f"{ratio_to(step, yardstick):.2f}",
                f"{median(step, lambda one: one.peak) / 1e6:.0f}",
                str(step.runs[0].alerts) if step.writes_alerts else "",
            ]
        )
    table(rows)
    with_triage, without = (next(step for step in all_steps if step.name == f"hunt, {name}") for name in TRIAGE_PAIR)
    ratios = [one.cpu / other.cpu for one, other in zip(with_triage.runs, without.runs)]
    print(f"\ninvestigations: {statistics.median(ratios):.2f} times the CPU of the same hunt without")
    print("\npeak memory with one job, a quarter of the events and all of them:")
    quarters = {step.name.removesuffix(", a quarter"): step for step in all_steps if step.name.endswith(", a quarter")}
    for step in all_steps:
        if quarter := quarters.get(step.name):
            peaks = [median(one, lambda run: run.peak) for one in (quarter, step)]
            print(f"  {step.name}: {peaks[0] / 1e6:.0f} MB, {peaks[1] / 1e6:.0f} MB ({peaks[1] / peaks[0]:.2f} times)")


if __name__ == "__main__":
    main()
