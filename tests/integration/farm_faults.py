#!/usr/bin/env python3
"""Faults that a simulation farm meets: kills, signals, full disks, bad simulators, torn logs, ranks at odds.

    farm_faults.py PROGRAM             a short version (half a minute); status 77 when h5py or mpirun is missing
    farm_faults.py PROGRAM --slow      200 kills over 2000 runs each, logs cut at every byte (half an hour)
    farm_faults.py PROGRAM --only WORD stories whose description contains WORD
    farm_faults.py PROGRAM --table     a Markdown table as well (docs/farm.md)
"""

import argparse
import os
import shutil
import sys
import tempfile
import time

import packages

packages.need("h5py", "numpy")

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from farm import stories  # noqa: E402
from farm.tools import Trouble  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if shutil.which(os.environ.get("MPIRUN", "mpirun").split()[0]) is None:
        print("skipped: there is no mpirun")
        return 77
    program = os.path.abspath(options.program)
    os.environ["OMP_NUM_THREADS"] = "1"
    rows, failures = [], 0
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ersatz-farm-") as folder:
        os.mkdir(os.path.join(folder, "tmp"))
        os.environ["TMPDIR"] = os.path.join(folder, "tmp")
        for story in stories.stories():
            if options.only not in story.__doc__:
                continue
            place = os.path.join(folder, story.__name__, "here")
            os.makedirs(place)
            os.chdir(place)
            start = time.monotonic()
            try:
                count, outcome = story(program, options.slow)
            except Trouble as e:
                failures += 1
                count, outcome = 0, f"FAILED: {e}"
            os.chdir(folder)
            rows.append((story.__doc__, count, outcome))
            print(f"{story.__doc__}: {count} times, {time.monotonic() - start:.0f} s; {outcome}", flush=True)
    if options.table:
        print("\n| fault | times | what happens |\n| --- | ---: | --- |")
        for what, count, outcome in rows:
            words = outcome.replace("|", "\\|").replace(folder, "…").replace("\n", " ")
            print(f"| {what} | {count} | {words} |")
    print(f"{len(rows)} stories, {sum(row[1] for row in rows)} faults, {failures} failed, "
          f"{time.monotonic() - begin:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
