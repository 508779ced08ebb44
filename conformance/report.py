"""The lines that checks print: `pass`, `FAIL` or `note`, a name, and what was counted."""


def passed(name, text):
    print(f"pass  {name}: {text}", flush=True)


def failed(name, text, details=()):
    print(f"FAIL  {name}: {text}", flush=True)
    for detail in details:
        print(f"      {detail}", flush=True)


def judged(good, name, text, details=()):
    """Passed when `good`, else failed with the details."""
    if good:
        passed(name, text)
    else:
        failed(name, text, details)


def note(name, text):
    """Something to know that is neither: what did not run, and why."""
    print(f"note  {name}: {text}", flush=True)
