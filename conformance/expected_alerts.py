"""What must fire, and whether it did."""

import collections
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

from bartizan import DATA, SHARED

EXPECTED = DATA / "detections/expected"
COLUMNS = ["rule_id", "rule_name", "type", "event_ids", "detail"]


def expectation(source):
    """The rows of a source's table, as dictionaries by COLUMNS; `event_ids` are separated by commas."""
    with open(EXPECTED / f"{source}.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def esql_expectation(source):
    """The rows of a source's table of ES|QL rules, counted: (rule name, kind, ids of the events in order). None without
    a table.

    The kind is `stats` for a row about a group of events, and something else for one about an event."""
    path = EXPECTED / f"{source}.esql.tsv"
    if not path.exists():
        return None
    with open(path, newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return collections.Counter(
            (row["rule_name"], row["kind"] == "stats", tuple(sorted(row["event_ids"].split(",")))) for row in rows
        )


def esql_rows(alerts, rule_ids):
    """What the rules with these ids found, as `esql_expectation` has it."""
    own = (alert for alert in alerts if alert["kibana.alert.rule.rule_id"] in rule_ids)
    return collections.Counter(
        (alert["kibana.alert.rule.name"], "bartizan.evidence.event_count" in alert, tuple(sorted(event_ids(alert))))
        for alert in own
    )


def not_evaluated():
    """Ids of rules of which the expectation says nothing."""
    with open(EXPECTED / "NOT_EVALUATED.tsv") as file:
        return {line.split("\t")[0] for line in file}


def event_ids(alert):
    """The ids of the events that an alert stands on."""
    if "bartizan.evidence.event_ids" in alert:
        return alert["bartizan.evidence.event_ids"]
    event = alert.get("event") or {}
    found = event.get("id", alert.get("event.id", []))
    return found if isinstance(found, list) else [found]


def found_rows(alerts):
    """What fired, as pairs of rule id and event ids: the alerts of a sequence are one pair, made of its building blocks."""
    rows, sequences = [], {}
    for alert in alerts:
        rule_id, group = alert["kibana.alert.rule.rule_id"], alert.get("kibana.alert.group.id")
        if group is None:
            rows.append((rule_id, event_ids(alert)))
        elif "kibana.alert.group.index" in alert:
            sequences.setdefault((rule_id, group), []).extend(event_ids(alert))
        else:
            # The shell: it has what its events have in common, and is there even when they have nothing.
            sequences.setdefault((rule_id, group), [])
    return rows + [(rule_id, ids) for (rule_id, _), ids in sequences.items()]


def compare(expected, alerts):
    """Compares rows of the expectation with alerts: (equal, summary, differences)."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted, got = pathlib.Path(scratch, "expected.tsv"), pathlib.Path(scratch, "got.tsv")
        rows = ["\t".join(row[column] or "" for column in COLUMNS) for row in expected]
        wanted.write_text("\n".join(["\t".join(COLUMNS), *rows]) + "\n")
        lines = [f"{rule_id}\t{','.join(ids)}\n" for rule_id, ids in found_rows(alerts)]
        got.write_text("".join(lines))
        tool = [sys.executable, SHARED / "tools/compare_alerts.py", wanted, got]
        done = subprocess.run(tool, capture_output=True, text=True)
    said = done.stdout.splitlines()
    if done.returncode not in (0, 1) or not said:
        raise RuntimeError(f"compare_alerts.py broke off: {done.stderr.strip()}")
    return done.returncode == 0, said[-1], said[:-1]


def group_details(alerts):
    """What threshold alerts say of their groups, written as the column `detail` has it, in order."""

    def detail(result):
        group = json.dumps({term["field"]: term["value"] for term in result["terms"]})
        counted = "".join(f" card({of['field']})={of['value']}" for of in result.get("cardinality", []))
        return f"group={group} count={result['count']}{counted}"

    return sorted(detail(alert["kibana.alert.threshold_result"]) for alert in alerts)
