#!/usr/bin/env python3
"""Training on MPI ranks against one process: Gaussian processes of 20 outputs at 1000 points in 6 dimensions.

    training.py PROGRAM [RANKS] [POINTS] [ROUNDS]

Times `ersatz train` as a whole (start-up, reading and writing included), one thread each, in turns; prints the best of each and
their ratio. The model files must hold the same bits.
"""
import os
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

program = os.path.abspath(sys.argv[1])
ranks, points, rounds = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((2, 2), (3, 1000), (4, 3)))
launch = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpirun.sh")
random = np.random.default_rng(1)
environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
environment.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_="68719476736")


def run(*command):
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begin


def numbers(path):
    found = {}
    with h5py.File(path) as file:
        file["/"].visititems(lambda name, item: found.__setitem__(name, item[()].tobytes())
                             if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and "seconds" not in name
                             and "comparison" not in name else None)
    return found


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    x = random.random((points, 6))
    waves, phases = random.normal(0.0, 1.2, (6, 20)), random.random(20) * 6.0
    np.save("x.npy", x)
    np.save("y.npy", np.sin(x @ waves + phases) + 0.3 * x[:, :1] * np.cos(x @ waves[::-1]))
    run(program, "import", "--parameters", "x.npy", "--outputs", "y.npy", "-o", "sims.h5", "--quiet")
    with open("recipe.toml", "w", encoding="utf-8") as file:
        file.write('transform = ["standardise"]\nbasis = "none"\nregressor = "gp"\ntest_fraction = 0.0\n')
    train = (program, "train", "sims.h5", "--recipe", "recipe.toml", "--threads", "1", "--quiet", "--force", "-o")
    one, many = [], []
    for _ in range(rounds):
        one.append(run(*train, "one.h5"))
        many.append(run(launch, str(ranks), *train, "many.h5"))
    assert numbers("one.h5") == numbers("many.h5"), "the models differ"
    print(f"20 outputs, {points} points: one process {min(one):.2f} s ({' '.join(f'{t:.2f}' for t in one)}), {ranks} ranks "
          f"{min(many):.2f} s ({' '.join(f'{t:.2f}' for t in many)}): {min(one) / min(many):.2f} times faster, same bits")
    os.chdir("/")
