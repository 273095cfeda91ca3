"""What every comparison says of one difference, and how it ends."""
import sys

failures = 0


def check(what, difference, limit=1e-8):
    """One line; a difference that is not a number fails."""
    global failures
    good = bool(difference <= limit)
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: {difference:.2e} (limit {limit:.0e})", flush=True)


def finish():
    sys.exit(1 if failures else 0)
