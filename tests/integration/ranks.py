#!/usr/bin/env python3
"""The program on MPI ranks: the same files as on one, and errors that end all ranks with one message.

    ranks.py PROGRAM MPIRUN_SH
"""
import json
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


def comparison(arguments, ranks=None):
    """What compare says of each regressor, without how long things took."""
    rows = json.loads(good(f"compare {arguments} --quiet --json", ranks).stdout)
    assert len(rows) > 5, rows
    return [{key: value for key, value in row.items() if key not in ("fit_seconds", "predict_us")} for row in rows]


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
    table = comparison("sims.h5 --folds 3")
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
        other = comparison("sims.h5 --folds 3 --threads 1", ranks)
        check(f"the comparison on {ranks} ranks", other == table, (other, table))


SPACE = """test_fraction = 0.25
regressor = {choices = [
  {name = "ridge", degree = {from = 1, to = 3, whole = true}, alpha = {from = 1e-8, to = 1, log = true}},
  {name = "knn", k = {from = 1, to = 9, whole = true}},
]}
"""


def history(name):
    """Its lines without how long things took."""
    with open(f"{name}.history.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    for line in lines:
        line.pop("seconds", None)
    return lines


def searching():
    with open("space.toml", "w", encoding="utf-8") as file:
        file.write(SPACE)
    common = "search sims.h5 --space space.toml --folds 2 --quiet"
    for method in ("random", "bayesian"):
        line = f"{common} --method {method} --trials 9 --nested 2"
        good(f"{line} -o {method}.toml --threads 1")
        whole = history(f"{method}.toml")
        for ranks, threads in ((1, 1), (2, 1), (2, 3)):  # the last: three recipes at a time
            name = f"{method}-{ranks}-{threads}.toml"
            result = good(f"{line} -o {name} --threads {threads}", ranks)
            check("what is found is printed once", result.stdout.count("recipes tried") == 1, result.stdout)
            check(f"{method} search on {ranks} ranks, {threads} threads", history(name) == whole, history(name))
            with open(f"{method}.toml", encoding="utf-8") as one, open(name, encoding="utf-8") as two:
                check("... writes the same recipe", one.read() == two.read())
        good(f"{common} --method {method} --trials 4 -o part-{method}.toml", 2)
        good(f"{common} --method {method} --trials 9 -o part-{method}.toml --resume")
        good(f"{common} --method {method} --trials 9 -o all-{method}.toml", 2)
        check("begun on two ranks, resumed on one", history(f"part-{method}.toml") == history(f"all-{method}.toml"))
    result = run(f"{common} -o random.toml", 2)
    check("a file in the way is told once", result.returncode == 2
          and len([x for x in result.stderr.splitlines() if "random.toml" in x]) == 1, result.stderr)
    result = run(f"{common} -o fresh.toml --history random.toml.history.jsonl", 2)
    check("so is a history in the way", result.returncode == 2
          and len([x for x in result.stderr.splitlines() if "history.jsonl" in x]) == 1, result.stderr)


CAMPAIGN = """simulator = "borehole"
budget = {budget}
start = 16
batch = 4
candidates = 300
output = "{name}.h5"
asynchronous = {asynchronous}
"""


def learning():
    """The points of a campaign are the same, batch by batch, and with a new one whenever a run has ended."""
    for kind, asynchronous, budget in (("batches", "false", 32), ("asynchronous", "true", 24)):
        for ranks in (None, 2, 4):
            name = f"{kind}-{ranks or 'alone'}"
            with open(f"{name}.toml", "w", encoding="utf-8") as file:
                file.write(CAMPAIGN.format(budget=budget, name=name, asynchronous=asynchronous))
            result = good(f"learn {name}.toml --seed 3 --threads 1 --quiet", ranks)
            check("how it ended is printed once", result.stdout.count("the budget") == 1, result.stdout)
            difference = same_numbers(f"{kind}-alone.h5", f"{name}.h5", ("seconds", "provenance"))
            check(f"a campaign ({kind}) on {ranks} ranks", not difference, difference)
    with open("wrong.toml", "w", encoding="utf-8") as file:
        file.write(CAMPAIGN.format(budget=8, name="wrong", asynchronous="false"))
    result = run("learn wrong.toml", 2)
    check("a budget below the start design is told once", result.returncode == 2 and result.stderr.count("budget = 8") == 1,
          (result.returncode, result.stderr))
    one, two = (good("curve sims.h5 --regressor ridge --folds 4 --sizes 12,24,40 --threads 1 --quiet", ranks).stdout
                for ranks in (None, 2))
    check("a learning curve on 2 ranks", one == two, two)


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
        searching()
        learning()
        errors()
        one_rank_differs()
        os.chdir("/")
    print(f"{passed} checks on {', '.join(map(str, RANKS))} ranks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
