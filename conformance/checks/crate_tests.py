"""The crates' own tests over the conformance data: those in crates/*/tests that read BARTIZAN_SHARED."""

import os
import pathlib
import re
import subprocess

from report import judged

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed", re.MULTILINE)

# A test is a file of `tests`, or a folder with a main.rs.
tests = sorted({
    file.parts[3].removesuffix(".rs")
    for file in pathlib.Path("crates").glob("*/tests/**/*.rs")
    if "BARTIZAN_SHARED" in file.read_text()
})
for test in tests:
    # Of the whole workspace, so that what was built for `cargo test --workspace` serves here too.
    command = ["cargo", "test", "--quiet", "--workspace", "--test", test, "--", "--nocapture"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    said = done.stdout.splitlines() + done.stderr.splitlines()
    counts = RESULT.findall(done.stdout)
    passed, failed = (sum(int(count[n]) for count in counts) for n in (0, 1))
    text = f"{passed} passed, {failed} failed" if counts else "no result"
    skipped = [line for line in said if "did not run" in line and "BARTIZAN_SHARED" in line]
    judged(
        done.returncode == 0 and passed > 0 and not skipped,
        f"test {test}",
        text + (f" ({'; '.join(skipped)})" if skipped else ""),
        said[-40:],
    )
