#!/usr/bin/env python3
"""Tries to break the program: bad inputs, kills, full disks.

    bad_inputs.py PROGRAM             runs all; status 0 when every case ended as it must, 77 when h5py is missing
    bad_inputs.py PROGRAM --table     prints a Markdown table as well (docs/bad-inputs.md)
    bad_inputs.py PROGRAM --only WORD cases whose description or command contains WORD

For each case: the exit status is the one promised; standard error has one message that names what is wrong; no signal
ended the program; no NaN in what it printed or wrote; what stood on disk is the same bytes afterwards; nothing is left
behind."""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import packages

packages.need("h5py", "numpy")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bad import cases, fixtures, stories  # noqa: E402

NAN = re.compile(r"(?<![\w./'-])-?(nan|inf)(?![\w./'-])", re.IGNORECASE)


HEADING = """# What the program says to bad inputs

{count} cases, tried on the real program by `tests/integration/bad_inputs.py`, which made this page:

    tests/integration/bad_inputs.py build/release/bin/ersatz --table > docs/bad-inputs.md

In each case it is also checked that standard error holds one message, that no signal ended the program, that neither
standard output nor a file that was written holds NaN, that every file that was there has the same bytes afterwards
(`old.h5` most of all, which `--force` would let the program overwrite), and that no temporary file is left.

Status: 0 done, 1 unexpected failure, 2 wrong use or unreadable input, 3 the numbers cannot do it, 4 finished with some
simulations failed. The files that are tried are made by `tests/integration/bad/fixtures.py`."""


def contents(folder):
    """Bytes of every file below, by name; folders are None."""
    found = {}
    for top, folders, files in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(top, name), folder)] = None
        for name in files:
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = f.read()
    return found


def not_finite(path):
    """Where a file that the program wrote holds NaN or infinity. Runs that failed are NaN by contract."""
    where = []
    if path.endswith(".csv"):
        text = open(path, encoding="utf-8").read()
        return ["text"] if NAN.search(text) else []
    if not h5py.is_hdf5(path):
        return []
    with h5py.File(path, "r") as f:
        done = f["status"][()] == 1 if "status" in f else None

        def look(name, item):
            if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fc":
                return
            if name == "seconds" or name.startswith("comparison/"):  # NaN: not known, by contract
                return
            values = item[()]
            if done is not None and name.startswith("outputs/"):
                values = values[done]
            if not np.all(np.isfinite(values)):
                where.append(name)

        f.visititems(look)
    return where


def check(case, program, before):
    """Runs one case; returns what is wrong, and what the program did."""
    wrong = []
    begin = time.monotonic()
    try:
        result = subprocess.run([program, *shlex.split(case.line)], input="0.5,5\n", capture_output=True, text=True,
                                errors="replace", timeout=30)
    except subprocess.TimeoutExpired:
        return ["no end after 30 s"], None, before
    if time.monotonic() - begin > 8:
        wrong.append(f"it took {time.monotonic() - begin:.0f} s")
    status = result.returncode
    allowed = case.status if isinstance(case.status, tuple) else (case.status,)
    if status < 0:
        wrong.append(f"killed by signal {-status}")
    elif status not in allowed:
        wrong.append(f"status {status}, {' or '.join(map(str, allowed))} is due")
    messages = [line for line in result.stderr.splitlines() if line.startswith("ersatz: ") and not line.startswith("ersatz: warning")]
    succeeded = status in (0, 4)
    if len(messages) != (0 if succeeded else 1):
        wrong.append(f"{len(messages)} messages")
    if not succeeded and (result.stdout or "unexpected failure" in result.stderr or "terminate called" in result.stderr):
        wrong.append("standard output is not empty, or the failure was unexpected")
    text = result.stdout if succeeded else result.stderr
    # The wrong value must be in the message itself, not in what was told on the way there.
    if not succeeded:
        text = text[text.find("ersatz: "):]
    if (succeeded or not isinstance(case.status, tuple)) and not re.search(case.says, text.replace("\n", " ")):
        wrong.append(f"nothing in the message like /{case.says}/")
    if succeeded and NAN.search(re.sub(r"row \d+[^\n]*|failed:[^\n]*", "", result.stdout)):
        wrong.append("NaN or infinity on standard output")
    after = contents(".")
    for name, old in before.items():
        if name not in after:
            wrong.append(f"{name} is gone")
        elif after[name] != old:
            wrong.append(f"{name} has changed")
    made = set(after) - set(before)
    if made != (set(case.makes) if succeeded else set()):
        wrong.append(f"files made: {sorted(made)}")
    for name in made:
        if os.path.isfile(name):
            wrong += [f"{name}: {place} holds NaN or infinity" for place in not_finite(name)]
    if made or wrong:
        for name in made:
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        for name, old in before.items():
            if old is not None and after.get(name) != old:
                with open(name, "wb") as f:
                    f.write(old)
    return wrong, result, before


def shown(text, most):
    text = re.sub(r" in [\d.e-]+ s\b", " in … s", text)  # the page is the same at every call
    text = re.sub(r"\b[0-9a-f]{16}\b", "…", text)
    text = text.replace("|", "\\|").replace("\n", " ").strip()
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= most else text[: most - 1] + "…"


def message_of(result):
    """What the program answered: its message, or the first line of its result."""
    for line in result.stderr.splitlines():
        if line.startswith("ersatz: "):
            at = result.stderr.find(line)
            return re.sub(r"\s*See: ersatz.*", "", result.stderr[at + len("ersatz: "):], flags=re.DOTALL)
    lines = result.stdout.strip().splitlines()
    return "" if not lines or lines[0] == "{" else lines[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    os.environ["OMP_NUM_THREADS"] = "1"
    failures, count, rows = 0, 0, []
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ersatz-bad-") as folder:
        # What the runs of external commands make stands in a folder of its own, and is looked at in the end.
        temporary = os.path.join(folder, "tmp")
        os.mkdir(temporary)
        os.environ["TMPDIR"] = temporary
        os.mkdir(os.path.join(folder, "cases"))
        os.chdir(os.path.join(folder, "cases"))
        fixtures.make(program)
        before = contents(".")
        for case in cases.cases():
            if options.only not in case.what + case.line:
                continue
            wrong, result, before = check(case, program, before)
            count += 1
            if wrong:
                failures += 1
                print(f"FAILED {case.group}: {case.what}\n  ersatz {case.line}", file=sys.stderr)
                for why in wrong:
                    print(f"  - {why}", file=sys.stderr)
                if result:
                    print(f"  it said: {shown(result.stderr, 600)}", file=sys.stderr)
                    if not result.stderr or result.returncode in (0, 4):
                        print(f"  and: {shown(result.stdout, 600)}", file=sys.stderr)
            if result:
                rows.append((case.group, case.what, "ersatz " + case.line, result.returncode, message_of(result)))
        for story in stories.stories():
            if options.only not in story.__doc__:
                continue
            place = os.path.join(folder, "story-" + story.__name__)
            os.mkdir(place)
            os.chdir(place)
            count += 1
            try:
                outcome = story(program)
            except (AssertionError, subprocess.TimeoutExpired) as e:
                failures += 1
                outcome = f"FAILED: {e}"
                print(f"FAILED {story.__doc__}\n  - {e}", file=sys.stderr)
            rows.append(("Kills, full disks, closed pipes", story.__doc__, "", "", outcome))
            os.chdir(folder)
            if outcome.startswith("skipped"):
                print(f"{story.__doc__}: {outcome}", file=sys.stderr)
        left = [name for name in os.listdir(temporary) if name not in stories.excused]
        if left:
            failures += 1
            print(f"FAILED left behind in the temporary folder: {left[:5]}", file=sys.stderr)
    if options.table:
        print(HEADING.format(count=count))
        group = None
        for row in rows:
            if row[0] != group:
                group = row[0]
                print(f"\n## {group}\n\n| what | command | status | message |\n| --- | --- | --- | --- |")
            command = f"`{shown(row[2], 160)}`" if row[2] else ""
            print(f"| {shown(row[1], 200)} | {command} | {row[3]} | {shown(row[4], 300)} |")
    summary = f"{count} cases, {failures} failed, {time.monotonic() - begin:.0f} s"
    print(summary, file=sys.stderr if options.table else sys.stdout)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
