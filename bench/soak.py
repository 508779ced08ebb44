#!/usr/bin/env python3
"""Runs `bartizan serve` for some minutes under a steady stream of events, and reports lag, memory and CPU.

usage: bench/soak.py --bartizan BIN [--minutes 10] [--rate 200] [--rules PATH] [--most-rules 400] [--folder DIR]

CloudTrail files with made-up records are moved into a watched folder, one every two seconds. The rules are the pack that comes
with Bartizan and copies of those under --rules, as many as asked for, each every minute, so that all of them are due together.
Every ten seconds a line: seconds, events in the lake, executions, alerts, detection lag, resident memory, CPU of the server in
cores since the last line. Nothing is asserted; a last line says what the whole run cost.
"""
import argparse
import gzip
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ACTIONS = [
    ("kms.amazonaws.com", "Decrypt"), ("kms.amazonaws.com", "GenerateDataKey"), ("kms.amazonaws.com", "DescribeKey"),
    ("s3.amazonaws.com", "GetBucketAcl"), ("s3.amazonaws.com", "ListBuckets"), ("ec2.amazonaws.com", "DescribeInstances"),
    ("iam.amazonaws.com", "ListRoles"), ("sts.amazonaws.com", "AssumeRole"), ("lambda.amazonaws.com", "ListFunctions"),
]
RARE = [
    ("kms.amazonaws.com", "DisableKey"), ("kms.amazonaws.com", "ScheduleKeyDeletion"),
    ("kms.amazonaws.com", "DeleteImportedKeyMaterial"), ("cloudtrail.amazonaws.com", "StopLogging"),
    ("iam.amazonaws.com", "CreateAccessKey"),
]


def record(number, at):
    source, name = random.choice(RARE) if random.random() < 0.0005 else random.choice(ACTIONS)
    user = f"user{random.randrange(40)}"
    return {
        "eventVersion": "1.11", "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)), "eventSource": source,
        "eventName": name, "awsRegion": random.choice(["eu-central-1", "us-east-1"]),
        "sourceIPAddress": f"192.0.2.{random.randrange(250)}", "userAgent": "aws-cli/2.15.0 Python/3.11",
        "eventID": f"{random.getrandbits(32):08x}-0000-4000-8000-{number:012d}", "eventType": "AwsApiCall",
        "readOnly": True, "managementEvent": True, "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "userName": user, "accountId": "111122223333",
                         "arn": f"arn:aws:iam::111122223333:user/{user}", "principalId": "AIDA0000000000000000"},
        "requestParameters": {"keyId": "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
    }


def copy_rules(path, to, most):
    taken = 0
    for file in sorted(pathlib.Path(path).rglob("*.toml")):
        text = file.read_text()
        if taken == most or 'type = "machine_learning"' in text or "[rule]" not in text:
            continue
        text = re.sub(r'(?m)^interval = .*\n', "", text).replace("[rule]\n", '[rule]\ninterval = "1m"\n', 1)
        (to / f"{taken}.toml").write_text(text)
        taken += 1
    return taken


def get(url, token):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def numbers(text):
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def of_process(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return rss, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bartizan", required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=200, help="events a second")
    parser.add_argument("--rules", help="a folder of rule files")
    parser.add_argument("--most-rules", type=int, default=400)
    parser.add_argument("--folder", help="where to work; a temporary folder when not given")
    args = parser.parse_args()
    random.seed(1)
    work = pathlib.Path(args.folder or tempfile.mkdtemp(prefix="bartizan-soak-"))
    for name in ("in", "rules", "new"):
        (work / name).mkdir(parents=True, exist_ok=True)
    rules = copy_rules(args.rules, work / "rules", args.most_rules) if args.rules else 0
    data = ["--data", str(work / "data")]
    token = subprocess.run([args.bartizan, "token", "create", "soak", "--role", "admin", *data],
                           check=True, capture_output=True, text=True).stdout.strip()
    address = "127.0.0.1:8597"
    log = open(work / "log", "w")
    server = subprocess.Popen([args.bartizan, "serve", *data, "--watch", str(work / "in"), "--rules", str(work / "rules"),
                               "--listen", address], stdout=log, stderr=log)
    try:
        for _ in range(120):
            try:
                get(f"http://{address}/readyz", token)
                break
            except OSError:
                time.sleep(0.5)
        print(f"{rules} rules beside the pack; {args.rate} events a second; work in {work}")
        print("seconds    events  executions  failed  alerts    lag s   MiB  cores")
        start = last = time.time()
        cpu_before, sent, memory = of_process(server.pid)[1], 0, []
        file = 0
        while time.time() - start < args.minutes * 60:
            begun = time.time()
            batch = [record(sent + n, begun) for n in range(args.rate * 2)]
            sent += len(batch)
            file += 1
            new = work / "new" / f"{file:06}.json.gz"
            with gzip.open(new, "wt", compresslevel=1) as out:
                json.dump({"Records": batch}, out)
            new.rename(work / "in" / new.name)
            if time.time() - last >= 10:
                now = time.time()
                seen = numbers(get(f"http://{address}/metrics", token))
                rss, cpu = of_process(server.pid)
                memory.append(rss)
                lag = next((value for name, value in seen.items() if name.startswith("detection_lag_seconds")), float("nan"))
                print(f"{now - start:7.0f} {seen['bartizan_events_total']:9.0f} "
                      f"{seen['bartizan_executions_succeeded_total']:11.0f} {seen['bartizan_executions_failed_total']:7.0f} "
                      f"{seen['bartizan_alerts_total']:7.0f} {lag:8.1f} {rss:5.0f} {(cpu - cpu_before) / (now - last):6.2f}",
                      flush=True)
                last, cpu_before = now, cpu
            time.sleep(max(0.0, 2 - (time.time() - begun)))
        rss, cpu = of_process(server.pid)
        half = len(memory) // 2
        print(f"sent {sent} events; {cpu:.0f} CPU-seconds in {time.time() - start:.0f} s; peak memory of the first half "
              f"{max(memory[:half] or [0]):.0f} MiB, of the second {max(memory[half:] or [0]):.0f} MiB")
    finally:
        server.send_signal(signal.SIGTERM)
        begun = time.time()
        print(f"exit status {server.wait(timeout=120)} after {time.time() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
