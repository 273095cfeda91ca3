"""Runs gp_peer and reads what it prints; writes data the way it reads them."""
import os
import re
import subprocess

import numpy as np


def write_data(path, x, y):
    y = y.reshape(len(x), -1)
    with open(path, "w") as f:
        f.write(f"{y.shape[1]} {x.shape[0]} {x.shape[1] + y.shape[1]}\n")
        np.savetxt(f, np.hstack([x, y]), fmt="%.17g")


def write_points(path, x):
    with open(path, "w") as f:
        f.write(f"{x.shape[0]} {x.shape[1]}\n")
        np.savetxt(f, x, fmt="%.17g")


def run(program, *arguments, threads=1):
    environment = dict(os.environ, OPENBLAS_NUM_THREADS=str(threads), MALLOC_MMAP_MAX_="0",
                       MALLOC_TRIM_THRESHOLD_="4000000000")
    done = subprocess.run([program, *map(str, arguments)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"gp_peer {' '.join(map(str, arguments))}: {done.stderr}")
    result = {"facts": []}
    for line in done.stdout.splitlines():
        name, _, rest = line.partition(" ")
        if name in ("fact", "warning"):
            result["facts"].append(rest)
        else:
            result[name] = np.array([float(v) for v in rest.split()])
    return result


def log_likelihoods(result):
    """Of each output, from the facts of a fit."""
    return [-float(m.group(1)) for fact in result["facts"] if (m := re.search(r"-log likelihood ([^,]+),", fact))]
