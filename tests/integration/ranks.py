#!/usr/bin/env python3
"""The program on MPI ranks: the same files as on one, and errors that end all ranks with one message.

    ranks.py PROGRAM MPIRUN_SH
"""
import os
import subprocess
import sys
import tempfile
import time

import packages

packages.need("h5py")
import h5py  # noqa: E402

PROGRAM, LAUNCH = (os.path.abspath(path) for path in sys.argv[1:3])
RANKS = (1, 2, 4)
passed = 0


def run(arguments, ranks=None, environment=None, timeout=120):
    command = [PROGRAM] if ranks is None else [LAUNCH, str(ranks), PROGRAM]
    return subprocess.run(command + arguments.split(), text=True, capture_output=True, timeout=timeout,
                          env=dict(os.environ, **(environment or {})))


def good(arguments, ranks=None):
    result = run(arguments, ranks)
    assert result.returncode == 0, f"{arguments} on {ranks} ranks: status {result.returncode}\n{result.stderr}"
    return result


def check(what, condition, detail=""):
    global passed
    assert condition, f"{what}: {detail}"
    passed += 1


def datasets(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.__setitem__(name, item[()]) if hasattr(item, "shape") else None)
    return found


def same_numbers(a, b, leave_out=()):
    one, two = datasets(a), datasets(b)
    if sorted(one) != sorted(two):
        return f"datasets differ: {sorted(set(one) ^ set(two))}"
    for name, values in one.items():
        if any(word in name for word in leave_out):
            continue
        same = values.tobytes() == two[name].tobytes() if values.dtype.kind != "O" else list(values) == list(two[name])
        if not same:
            return f"{name} differs"
    return ""


def training_and_prediction():
    good("design --simulator supernova-6 --method sobol -n 60 -o design.csv --quiet")
    good("simulate --simulator supernova-6 --design design.csv -o sims.h5 --quiet")
    good("design --simulator supernova-6 --method lhs -n 20 --seed 9 -o fresh.csv --quiet")
    good("simulate --simulator supernova-6 --design fresh.csv -o sims-fresh.h5 --quiet")
    good("design --simulator supernova-6 --method lhs -n 3000 --seed 5 -o points.csv --quiet")
    good("train sims.h5 -o model.h5 --quiet --threads 1")
    good("predict model.h5 points.csv -o serial.h5 --quiet")
    good("predict model.h5 points.csv -o serial.npy --quiet")
    good("predict model.h5 points.csv -o serial.csv --quiet")
    table = good("compare sims.h5 --folds 3 --quiet").stdout
    for ranks in RANKS:
        result = good(f"train sims.h5 -o model-{ranks}.h5 --quiet --threads 1", ranks)
        check("what is printed is printed once", result.stdout.count("learnt from") == 1, result.stdout)
        difference = same_numbers("model.h5", f"model-{ranks}.h5", ("seconds", "comparison/numbers"))  # times
        check(f"a model trained on {ranks} ranks has the bits of one trained on one", not difference, difference)
        for ending in ("h5", "npy", "csv"):
            good(f"predict model.h5 points.csv -o ranks-{ranks}.{ending} --quiet --threads 1", ranks)
            if ending == "h5":
                difference = same_numbers("serial.h5", f"ranks-{ranks}.h5")
            else:
                with open(f"serial.{ending}", "rb") as one, open(f"ranks-{ranks}.{ending}", "rb") as two:
                    difference = "" if one.read() == two.read() else "bytes differ"
            check(f"predictions on {ranks} ranks as .{ending}", not difference, difference)
        other = good(f"compare sims.h5 --folds 3 --quiet --threads 1", ranks).stdout
        errors = [[line.split()[:3] for line in text.splitlines() if "e-" in line] for text in (table, other)]
        check(f"the comparison on {ranks} ranks", len(errors[0]) == len(errors[1]) > 0, other)


def errors():
    for ranks in RANKS:
        begin = time.time()
        for what, arguments, status, message in (
                ("wrong use", "train sims.h5", 2, "--output is required"),
                ("a missing file", "train none.h5 -o x.h5", 2, "none.h5"),
                ("an unknown regressor", "train sims.h5 -o x.h5 --regressor magic", 2, "magic"),
                ("a subcommand for one rank", "info none.h5", 2, "none.h5"),
                ("predictions at no points", "predict model.h5 none.csv -o x.h5", 2, "none.csv"),
                ("a file in the way", "predict model.h5 points.csv -o serial.h5", 2, "--force"),
        ):
            result = run(arguments, ranks)
            lines = [line for line in result.stderr.splitlines() if message in line]
            check(f"{what} on {ranks} ranks: status", result.returncode == status, (result.returncode, result.stderr))
            check(f"{what} on {ranks} ranks: one message", len(lines) == 1, result.stderr)
        check("errors do not take long", time.time() - begin < 30, time.time() - begin)
        good("info sims.h5", ranks)
        good("validate model.h5 sims-fresh.h5 --quiet", ranks)


def one_rank_differs():
    """Rank 1 has another file, or none: as on a node whose file system lags behind."""
    with open("other.sh", "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\n'
                   'rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-${PMIX_RANK:-0}}}\n'
                   'if [ "$rank" = 1 ]; then sims=$OTHER; else sims=sims.h5; fi\n'
                   'exec "$PROGRAM" train "$sims" -o never.h5 --quiet\n')
    os.chmod("other.sh", 0o755)
    good("design --simulator supernova-6 --method sobol -n 61 -o other.csv --quiet")
    good("simulate --simulator supernova-6 --design other.csv -o other.h5 --quiet")
    for ranks in (2, 4):
        for other, expected in (("other.h5", "not the same on this rank as on rank 0"), ("gone.h5", "gone.h5")):
            result = subprocess.run([LAUNCH, str(ranks), "./other.sh"], text=True, capture_output=True, timeout=60,
                                    env=dict(os.environ, OTHER=other, PROGRAM=PROGRAM))
            check(f"rank 1 of {ranks} reads {other}", result.returncode == 2 and expected in result.stderr
                  and "rank 1: " in result.stderr, (result.returncode, result.stderr))
            check("and no model is written", not os.path.exists("never.h5"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        training_and_prediction()
        errors()
        one_rank_differs()
        os.chdir("/")
    print(f"{passed} checks on {', '.join(map(str, RANKS))} ranks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
