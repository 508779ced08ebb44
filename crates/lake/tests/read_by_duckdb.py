"""Reads a lake's files with DuckDB, by way of the manifest: `read_by_duckdb.py LAKE_FOLDER`.

Needs `pip install duckdb`. Prints one line of JSON for each data stream; without DuckDB it says so and ends with 0.
"""

import json
import pathlib
import sys


def main() -> int:
    try:
        import duckdb
    except ImportError:
        print("did not run: pip install duckdb")
        return 0
    for stream in sorted(pathlib.Path(sys.argv[1], "streams").iterdir()):
        newest = max((stream / "manifest").glob("*.json"))
        manifest = json.loads(newest.read_text().split("\n")[0])
        files = [str(stream / "files" / file["name"]) for file in manifest["files"]]
        if not files:
            continue
        events = duckdb.read_parquet(files, union_by_name=True)
        rows = duckdb.sql(
            """
            SELECT "event.action" AS action, count(*) AS events, min("@timestamp")::VARCHAR AS first,
                   max("event.ingested")::VARCHAR AS last_ingested, count(DISTINCT "_id") AS ids,
                   count(*) FILTER (list_contains("event.category", 'iam')) AS iam
            FROM events GROUP BY 1 ORDER BY 1
            """
        ).fetchall()
        types = {name: str(kind) for name, kind in zip(events.columns, events.dtypes)}
        answer = {
            "stream": stream.name,
            "files": len(files),
            "rows": sum(row[1] for row in rows),
            "expected": sum(file["rows"] for file in manifest["files"]),
            "actions": {row[0]: row[1] for row in rows},
            "iam": sum(row[5] for row in rows),
            "types": types,
        }
        print(json.dumps(answer, default=str))
        if answer["rows"] != answer["expected"]:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
