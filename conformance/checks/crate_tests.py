"""The crates' own tests over the conformance data: those in crates/*/tests that read BARTIZAN_SHARED."""

import os
import pathlib
import re
import subprocess
import tomllib

from report import judged

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed", re.MULTILINE)

for file in sorted(pathlib.Path("crates").glob("*/tests/*.rs")):
    if "BARTIZAN_SHARED" not in file.read_text():
        continue
    package = tomllib.loads((file.parent.parent / "Cargo.toml").read_text())["package"]["name"]
    command = ["cargo", "test", "--quiet", "--package", package, "--test", file.stem, "--", "--nocapture"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    said = done.stdout.splitlines() + done.stderr.splitlines()
    counts = RESULT.search(done.stdout)
    text = f"{counts[1]} passed, {counts[2]} failed" if counts else "no result"
    skipped = [line for line in said if "did not run" in line]
    judged(
        done.returncode == 0 and counts and int(counts[1]) > 0 and not skipped,
        f"{package}, test {file.stem}",
        text + (f" ({'; '.join(skipped)})" if skipped else ""),
        said[-40:],
    )
