"""Runs polynomial_peer and reads what it writes and prints."""
import os
import subprocess
import tempfile

import numpy as np


class Result:
    def __init__(self, values, printed):
        self.values = values  # what the result file holds
        self.seconds, self.facts, self.sobol = None, {}, {}
        for line in printed.splitlines():
            name, _, rest = line.partition(" ")
            if name == "fact":
                key, _, value = rest.partition(": ")
                self.facts[key] = value
            elif name == "sobol":
                k, first, total = rest.split()
                self.sobol[int(k)] = (float(first), float(total))
            elif name != "warning":
                setattr(self, name, float(rest))


def run(program, work, x, y, test, threads=1, repeats=1, **settings):
    y = y.reshape(len(x), -1)
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, f) for f in ("train", "test", "result")]
        np.hstack([x, y]).astype(float).tofile(files[0])
        test.astype(float).tofile(files[1])
        words = []
        for key, value in settings.items():
            numbers = np.atleast_1d(value)
            words.append(f"{key}=" + (value if isinstance(value, str) else ",".join(f"{v:.17g}" for v in numbers)))
        environment = dict(os.environ, OPENBLAS_NUM_THREADS=str(threads))
        done = subprocess.run([program, work, str(x.shape[1]), str(y.shape[1]), *files, str(threads), str(repeats),
                               *words], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{work} {words}: {done.stderr}")
        return Result(np.fromfile(files[2]), done.stdout)
