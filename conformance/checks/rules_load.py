"""Every public rule file gives its rules, and every rule runs or says why not."""

import collections
import pathlib

from bartizan import RULES, hunt
from report import judged, note

# Rule types of which every rule must run, unless its author set it aside.
RUN = ("query", "eql", "new_terms", "threshold", "threat_match", "esql")
# What rules of a type may use that is not supported, by the reason that they give.
NOT_SUPPORTED = ("COMPLETION is not supported",)


def set_aside(rule):
    return rule.get("reason_kind") in ("deprecated", "disabled")


files = {str(file) for file in RULES.rglob("*.toml")}
# Any small input will do: what is asked is what becomes of the rules.
records = pathlib.Path(__file__).resolve().parents[2] / "crates" / "cli" / "demo" / "records.ndjson"
rules = hunt([records])["rules"]

unreadable = [rule for rule in rules if rule.get("reason_kind") in ("unreadable", "could not be read")]
read = {rule["file"] for rule in rules if rule not in unreadable}
lost = sorted(files - read)
details = [f"{rule['file']}: {rule['reason']}" for rule in unreadable] + [f"{file}: not in the account" for file in lost]
judged(files and not unreadable and not lost, "rule files load", f"{len(read)} of {len(files)} files", details)

by_type = collections.Counter((rule.get("type", "unknown"), rule["status"]) for rule in rules)
silent = [rule["name"] for rule in rules if rule["status"] != "ran" and not rule.get("reason")]
judged(not silent, "rules that do not run say why not", f"{sum(rule['status'] != 'ran' for rule in rules)} rules", silent)
for rule_type in RUN:
    of_type = [rule for rule in rules if rule.get("type") == rule_type]
    waiting = [rule for rule in of_type if rule["status"] != "ran"]
    known = [rule for rule in waiting if set_aside(rule) or rule["reason"] in NOT_SUPPORTED]
    faults = [f"{pathlib.Path(rule['file']).name}: {rule['reason']}" for rule in waiting if rule not in known]
    ran = len(of_type) - len(waiting)
    judged(of_type and not faults, f"{rule_type} rules run", f"{ran} run, {len(waiting)} do not", faults)
    for rule in of_type:
        if rule in known:
            note(f"{rule_type} rule", f"{pathlib.Path(rule['file']).name} does not run: {rule['reason']}")
        for warning in rule.get("warnings", ()):
            note(f"{rule_type} rule", f"{pathlib.Path(rule['file']).name} runs, with a warning: {warning}")
for (rule_type, status), number in sorted(by_type.items()):
    if rule_type not in RUN and status != "ran":
        note("rules", f"not run: {rule_type}, {number} rules")
