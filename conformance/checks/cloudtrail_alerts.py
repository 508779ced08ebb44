"""Over each source of CloudTrail records, and over all real ones as one data set: everything in the account, and
exactly the alerts that are expected of the rule types that run."""

import collections

from bartizan import DATA, hunt
from expected_alerts import compare, esql_expectation, esql_rows, expectation, group_details, not_evaluated
from report import judged, note

# Rule types that are compared. Alerts that are expected of any other are noted as not run.
RUN = ("query", "eql", "new_terms", "threshold")
# Mechanical near misses of real records: a source of its own, and no part of the merged data set.
DERIVED = "derived"

RECORDS = DATA / "detections/data"
IGNORED = not_evaluated()


def accounted(records, lines):
    """Is every line of the input a record, and every record an event or a counted loss?"""
    ends = sum(records[end] for end in ("events", "duplicates", "dropped", "outside_of_range"))
    return records["in"] == ends == lines and records["duplicates"] == 0


def by_type(result):
    """The alerts of a hunt by the type of their rule, without those of which the expectation says nothing."""
    types = {rule["rule_id"]: rule["type"] for rule in result["rules"] if "rule_id" in rule}
    alerts = collections.defaultdict(list)
    for alert in result["alerts"]:
        rule_id = alert["kibana.alert.rule.rule_id"]
        if rule_id not in IGNORED:
            alerts[types[rule_id]].append(alert)
    return alerts


def check(source, files):
    # The expectation takes each file as one window.
    result = hunt(files, "--whole-range")
    records = result["coverage"]["records"]
    lines = sum(1 for file in files for line in file.read_text().splitlines() if line.strip())
    summary = f"{lines} lines: {records['in']} records in = {records['events']} events + {records['duplicates']} duplicates"
    judged(accounted(records, lines), f"{source}, account", f"{summary} + {records['dropped']} dropped")
    for reason, number in records["drop_reasons"].items():
        note(source, f"{number} dropped: {reason}")

    rows = expectation(source)
    alerts = by_type(result)
    for rule_type in RUN:
        equal, summary, differences = compare([row for row in rows if row["type"] == rule_type], alerts[rule_type])
        judged(equal, f"{source}, {rule_type}", summary, differences)
    wanted = esql_expectation(source)
    if wanted is not None:
        check_esql(source, wanted, result)
    wanted = sorted(row["detail"] for row in rows if row["type"] == "threshold")
    got = group_details(alerts["threshold"])
    if wanted or got:
        judged(wanted == got, f"{source}, groups of threshold", f"expected {wanted} got {got}")
    for rule_type, number in sorted(collections.Counter(row["type"] for row in rows).items()):
        if rule_type not in RUN:
            note(source, f"not run: {rule_type}, {number} alerts expected")


def check_esql(source, wanted, result):
    """The alerts of ES|QL rules, by rule, kind and events; and that the rules of which something is expected ran."""
    got = esql_rows(result["alerts"], {rule["rule_id"] for rule in result["rules"] if rule["type"] == "esql"})
    missing, extra = sorted(wanted - got), sorted(got - wanted)
    ran = {rule["name"] for rule in result["rules"] if rule["type"] == "esql" and rule["status"] == "ran"}
    details = [f"expected, not found: {row}" for row in missing] + [f"found, not expected: {row}" for row in extra]
    summary = f"{sum(wanted.values())} rows expected, {sum(got.values())} found, {len(ran)} rules ran"
    judged(ran and not details, f"{source}, esql", summary, details)


def check_history(source, cut, file, start):
    """New terms where what comes before `start` is history."""
    alerts = by_type(hunt([file], "--whole-range", "--from", start))["new_terms"]
    rows = [row for row in expectation(cut) if row["type"] == "new_terms"]
    equal, summary, differences = compare(rows, alerts)
    judged(equal, f"{source} from {start}, new_terms", summary, differences)


sources = sorted(RECORDS.glob("*.ndjson"))
for file in sources:
    check(file.stem, [file])
check("merged", [file for file in sources if file.stem != DERIVED])
check_history("invictus", "invictus.cut1210", RECORDS / "invictus.ndjson", "2023-07-10T12:10:00Z")
