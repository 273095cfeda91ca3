#!/usr/bin/env python3
"""The exact Gaussian process on two ranks against one process with two threads, on the same two cores.

    ranks.py path/to/gp_ranks [n, 12000] [repeats, 3]

Runs both in turn, `repeats` times, and prints for each part of an evaluation the median of its seconds, the median
of the ratios within a turn with their range, and the peak memory of the larger rank over that of the one process.
The two must agree on value and gradient.
"""
import json
import os
import statistics
import subprocess
import sys

program = os.path.abspath(sys.argv[1])
n = sys.argv[2] if len(sys.argv) > 2 else "12000"
repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 3
mpirun = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "mpirun.sh")
environment = {name: value for name, value in os.environ.items()
               if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
parts = ["factor", "solve", "invert", "contract", "value", "value_and_gradient"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


turns = []
for turn in range(repeats):
    one, two = run(program, "threads", n, "2"), run(mpirun, "2", program, "ranks", n)
    turns.append((one, two))
    for what in ("result", "gradient"):
        assert abs(one[what] - two[what]) <= 1e-8 * abs(one[what]), (what, one[what], two[what])
    print(f"turn {turn + 1}, load {os.getloadavg()[0]:.1f}: one process {one['value_and_gradient']:.1f} s, two ranks "
          f"{two['value_and_gradient']:.1f} s, value {one['result']:.10g} and {two['result']:.10g}", flush=True)
print(f"n = {n}: seconds of one process with 2 threads, of 2 ranks, and their ratio (range)")
for part in parts:
    ratios = [two[part] / one[part] for one, two in turns]
    print(f"  {part:20s} {statistics.median(t[0][part] for t in turns):8.2f} {statistics.median(t[1][part] for t in turns):8.2f}"
          f" {statistics.median(ratios):7.2f} ({min(ratios):.2f} … {max(ratios):.2f})")
memory = [max(t[i]["peak_bytes"] for t in turns) for i in (0, 1)]
print(f"  peak memory          {memory[0] / 1e6:8.0f} {memory[1] / 1e6:8.0f} {memory[1] / memory[0]:7.3f}   (MB, larger rank)")
