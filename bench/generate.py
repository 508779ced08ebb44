#!/usr/bin/env python3
"""Makes a corpus for bench/hunt out of the demonstration records: same shapes, new ids and times.

usage: generate.py --events N --out FOLDER [--seed N]

Writes AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/*.json.gz, the same bytes for the same arguments, and prints one line
of JSON: events, files, raw_bytes, gz_bytes.
"""

import argparse
import datetime
import gzip
import json
import pathlib
import random
import re

RECORDS = pathlib.Path(__file__).resolve().parent.parent / "crates/cli/demo/records.ndjson"
INTRUDER = '"sourceIPAddress":"203.0.113.77"'
# A record of the intrusion is this much rarer than any other.
RARE = 0.02
VARYING = re.compile(
    r'(?P<event>(?<="eventID":")[^"]+)'
    r'|(?P<request>(?<="requestID":")[^"]+)'
    r'|(?P<time>(?<="eventTime":")[^"]+)'
    r'|(?P<region>eu-west-1|us-east-1)'
    r'|(?P<account>111122223333)'
    r"|(?P<access_key>ASIA[A-Z2-7]{9}EXAMPLE)"
    r"|(?P<address>(?:192\.0\.2|198\.51\.100)\.\d+)"
    r"|(?P<order>(?<=order-)\d{5})"
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
REGIONS = ("us-east-1", "us-east-1", "us-east-1", "eu-west-1", "us-west-2")
FIRST_DAY = datetime.datetime(2026, 3, 14, tzinfo=datetime.timezone.utc)


def template(line):
    """The text between the varying parts, and the name of each varying part, in turn."""
    pieces, end = [], 0
    for found in VARYING.finditer(line):
        pieces += [line[end : found.start()], found.lastgroup]
        end = found.end()
    return pieces + [line[end:]]


def unique_id(dice):
    digits = f"{dice.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def fill(pieces, dice, file, moment):
    values = {"time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "region": file["region"], "account": file["account"]}
    text = [pieces[0]]
    for name, literal in zip(pieces[1::2], pieces[2::2]):
        if name in ("event", "request"):
            value = unique_id(dice)
        elif name in values:
            value = values[name]
        elif name == "access_key":
            value = "ASIA" + "".join(dice.choices(LETTERS, k=9)) + "EXAMPLE"
        elif name == "address":
            value = f"198.51.100.{dice.randrange(1, 255)}"
        else:
            value = f"{dice.randrange(100000):05}"
        text += [value, literal]
    return "".join(text)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--events", type=int, required=True)
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--seed", type=int, default=42)
    options = arguments.parse_args()

    dice = random.Random(options.seed)
    lines = RECORDS.read_text().splitlines()
    templates = [template(line) for line in lines]
    weights = [RARE if INTRUDER in line else 1.0 for line in lines]
    accounts = [f"{dice.randrange(10**11, 10**12)}" for _ in range(12)]
    left, files, raw_bytes, gz_bytes = options.events, 0, 0, 0
    while left:
        count = min(left, max(200, min(5000, int(dice.lognormvariate(6.9, 0.7)))))
        file = {"region": dice.choice(REGIONS), "account": dice.choice(accounts)}
        start = FIRST_DAY + datetime.timedelta(seconds=86400 * (options.events - left) // options.events)
        chosen = dice.choices(templates, weights, k=count)
        text = ",".join(fill(pieces, dice, file, start + datetime.timedelta(seconds=dice.randrange(900))) for pieces in chosen)
        raw = ('{"Records":[' + text + "]}").encode()
        packed = gzip.compress(raw, compresslevel=6, mtime=0)
        folder = options.out / "AWSLogs" / file["account"] / "CloudTrail" / file["region"] / start.strftime("%Y/%m/%d")
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{file['account']}_CloudTrail_{file['region']}_{start:%Y%m%dT%H%MZ}_{files:016x}.json.gz"
        (folder / name).write_bytes(packed)
        left, files, raw_bytes, gz_bytes = left - count, files + 1, raw_bytes + len(raw), gz_bytes + len(packed)
    print(json.dumps({"events": options.events, "files": files, "raw_bytes": raw_bytes, "gz_bytes": gz_bytes}))


if __name__ == "__main__":
    main()
