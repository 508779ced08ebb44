"""Every public rule file gives its rules, and every rule runs or says why not."""

import collections
import pathlib

from bartizan import RULES, hunt
from report import judged, note

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
queries = [rule for rule in rules if rule.get("type") == "query"]
ran = by_type["query", "ran"]
judged(queries and not silent, "query rules run or say why not", f"{ran} run, {len(queries) - ran} do not", silent)
for rule in queries:
    if rule["status"] != "ran":
        note("query rule", f"{pathlib.Path(rule['file']).name} does not run: {rule['reason']}")
    for warning in rule["warnings"]:
        note("query rule", f"{pathlib.Path(rule['file']).name} runs, with a warning: {warning}")
for (rule_type, status), number in sorted(by_type.items()):
    if rule_type != "query" and status != "ran":
        note("rules", f"not run: {rule_type}, {number} rules")
