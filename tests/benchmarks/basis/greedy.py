#!/usr/bin/python3
"""Greedy basis against SciPy's pivoted QR: seconds, and peak memory over that of the snapshots.

greedy.py build/release/bin/greedy_peer [SNAPSHOTS BINS] [--threads 1|2] [--no-full]

Complex snapshots (10 000 x 4000 by default: 640 MB), to a squared error of 1e-12. SciPy has two codes: qr(pivoting=True)
factorises to the end, scipy.linalg.interpolative stops at the rank that it is given. Both get the rank that we found.
"""
import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import fair  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("snapshots", nargs="?", type=int, default=10000)
parser.add_argument("bins", nargs="?", type=int, default=4000)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--no-full", action="store_true", help="leave out the QR to the end, which takes minutes")
args = parser.parse_args()
fair.start(args.threads)

SCIPY = """
import resource, sys, time
import numpy as np
rows = np.fromfile(sys.argv[1], complex).reshape(int(sys.argv[2]), -1)
rows = rows / np.linalg.norm(rows, axis=1)[:, None]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
columns = rows.T
begin = time.perf_counter()
if sys.argv[4] == "full":
    from scipy.linalg import qr
    qr(columns, mode="r", pivoting=True, overwrite_a=False, check_finite=True)
else:
    from scipy.linalg.interpolative import interp_decomp
    interp_decomp(columns, int(sys.argv[3]), rand=False)
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)
"""

size = args.snapshots * args.bins * 16 / 2**20
print(f"{args.snapshots} x {args.bins} complex, {size:.0f} MB, threads: {args.threads}")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "rows")
    best = None
    for attempt in range(3):
        out = subprocess.run([args.program, "time", str(args.bins), str(args.snapshots), str(args.threads), "1e-12",
                              *([path] if attempt == 0 else [])], check=True, stdout=subprocess.PIPE, text=True)
        seconds, rank, passes, peak, error = map(float, out.stdout.split())
        best = seconds if best is None else min(best, seconds)
    print(f"greedy: {best:.2f} s, rank {rank:.0f}, squared error {error:.1e}, snapshots read {passes:.1f} times, "
          f"peak {peak:.0f} MB, {100 * (peak / size - 1):.1f}% over the snapshots", flush=True)
    for what in ["rank"] + ([] if args.no_full else ["full"]):
        out = subprocess.run([sys.executable, "-c", SCIPY, path, str(args.snapshots), str(int(rank)), what],
                             check=True, stdout=subprocess.PIPE, text=True)
        seconds, peak = map(float, out.stdout.split())
        name = "qr(pivoting=True)" if what == "full" else "interpolative.interp_decomp(rand=False)"
        print(f"SciPy's {name}: {seconds:.1f} s, {seconds / best:.1f} times ours; peak {peak:.0f} MB, "
              f"{100 * (peak / size - 1):.0f}% over the snapshots", flush=True)
