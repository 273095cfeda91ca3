"""Greedy points and nodes against SciPy's pivoted QR. Usage: compare_scipy.py greedy_peer"""
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy.linalg import qr

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from verdict import check, finish  # noqa: E402

program = sys.argv[1]
rng = np.random.default_rng(1)


def run(what, rows, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows")
        np.ascontiguousarray(rows).tofile(path)
        is_complex = int(np.iscomplexobj(rows))
        out = subprocess.run([program, what, path, str(rows.shape[1] * (1 + is_complex)), str(is_complex),
                              *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split() for line in out.splitlines()]


def random(shape, is_complex):
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape) if is_complex else real


for is_complex in (False, True):
    kind = "complex" if is_complex else "real"
    for n, m, ratio in ((300, 200, 0.9), (80, 500, 0.8), (500, 60, 0.7)):
        # Rows whose norms span orders of magnitude in directions that do too.
        k = min(n, m)
        rows = random((n, k), is_complex) * ratio ** np.arange(k) @ random((k, m), is_complex)
        rank = min(k, 50)
        _, r, pivots = qr(rows.T, mode="economic", pivoting=True)
        ours = run("points", rows, rank)
        found = np.array([int(line[0]) for line in ours])
        errors = np.array([float(line[1]) for line in ours])
        check(f"{kind} {n} x {m}: points unlike SciPy's pivots", np.sum(found != pivots[:rank]), 0)
        diagonal = np.abs(np.diag(r)[:rank])
        check(f"{kind} {n} x {m}: errors against R's diagonal, relative to the first",
              np.max(np.abs(np.sqrt(errors) - diagonal)) / diagonal[0], 1e-12)
        good = diagonal > 1e-6 * diagonal[0]
        check(f"{kind} {n} x {m}: the same, relative to each, down to 1e-6",
              np.max(np.abs(np.sqrt(errors) / diagonal - 1)[good]), 1e-8)

        elements = np.linalg.qr(random((m, rank), is_complex))[0].T
        ours = run("nodes", elements, "q-deim")
        found = [int(line[0]) for line in ours[:-1]]
        pivots = qr(elements, pivoting=True)[2]
        check(f"{kind} {n} x {m}: Q-DEIM nodes unlike SciPy's pivots", np.sum(found != pivots[:rank]), 0)
        for rule in ("eim", "deim"):
            ours = run("nodes", elements, rule)
            found = [int(line[0]) for line in ours[:-1]]
            # Chaturantabut & Sorensen 2010, algorithm 1, word for word.
            expected = [int(np.argmax(np.abs(elements[0])))]
            for j in range(1, rank):
                c = np.linalg.solve(elements[:j][:, expected].T, elements[j][expected])
                expected.append(int(np.argmax(np.abs(elements[j] - c @ elements[:j]))))
            check(f"{kind} {n} x {m}: {rule} nodes unlike the textbook's", np.sum(np.array(found) != expected), 0)
            matrix = np.linalg.solve(elements[:, expected], elements)
            most, two = map(float, ours[-1])
            check(f"{kind} {n} x {m}: {rule} Lebesgue constant, maximum norm",
                  abs(most / np.max(np.sum(np.abs(matrix), axis=0)) - 1))
            check(f"{kind} {n} x {m}: {rule} Lebesgue constant, 2-norm",
                  abs(two / np.linalg.norm(matrix, 2) - 1))
finish()
