"""Calls pod_peer, for comparisons and benchmarks."""
import os
import subprocess
import tempfile

import numpy as np

folder = tempfile.mkdtemp()


class Pods:
    """The program, and one set of snapshots at a time (written once)."""

    def __init__(self, program, rows):
        self.program, self.rows = program, rows
        self.complex = np.iscomplexobj(rows)
        self.data = os.path.join(folder, "rows")
        np.ascontiguousarray(rows).tofile(self.data)

    def fit(self, method="auto", tolerance=1e-7, max_rank=0, weights=None, threads=1, repeats=1):
        """Singular values, elements, and a dictionary of rank, passes, bytes, estimate, seconds, method."""
        result, weight_file = os.path.join(folder, "result"), "-"
        if weights is not None:
            weight_file = os.path.join(folder, "weights")
            np.asarray(weights, dtype=float).tofile(weight_file)
        columns = self.rows.shape[1] * (2 if self.complex else 1)
        words = [self.program, self.data, result, columns, int(self.complex), method, tolerance, max_rank, weight_file,
                 threads, repeats]
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{words}: {done.stderr}")
        said = done.stdout.split()
        facts = dict(rank=int(said[0]), passes=int(said[1]), bytes=float(said[2]), estimate=float(said[3]),
                     seconds=float(said[4]), method=said[5])
        values = np.fromfile(result)
        s, e = values[: facts["rank"]], values[facts["rank"]:].reshape(facts["rank"], columns)
        return s, e.view(complex) if self.complex else e, facts


def projection_error(rows, elements, weights=None):
    """Relative error of the whole set behind rows that are orthonormal in the weighted inner product."""
    w = np.ones(rows.shape[1]) if weights is None else weights
    rest = rows - ((rows * w) @ elements.conj().T) @ elements
    return np.sqrt((w * abs(rest) ** 2).sum() / (w * abs(rows) ** 2).sum())
