#!/usr/bin/env python3
"""The subcommand learn: a campaign over a command, killed and resumed again and again; what it says to bad campaigns.

    learn.py PROGRAM
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import packages

packages.need("h5py", "numpy")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
passed = 0

SPACE = """[[parameter]]
name = "a"
lower = -1.0
upper = 1.0

[[parameter]]
name = "b"
lower = 0.0
upper = 2.0
"""

# Takes a little while, and writes down that it ran.
MODEL = """#!/bin/sh
tail -n 1 "$1" >> ran.txt
sleep 0.05
tail -n 1 "$1" | awk -F, '{ if ($1 > WALL) { print "beyond the wall"; exit 3 } printf "%.17g\\n", exp(-5*$1*$1) + sin(2*$2) }' > "$2"
"""

CAMPAIGN = """command = "sh model.sh {input} {output}"
space = "space.toml"
budget = 20
start = 8
batch = 3
candidates = 300
recipe = "recipe.toml"
output = "runs.h5"
model = "model.h5"
report = "learn.html"
"""

RECIPE = 'regressor = {name = "gp", kernel = "squared-exponential", starts = 1}\ntest_fraction = 0.0\n'


def check(what, condition, detail=""):
    global passed
    assert condition, f"{what}: {detail}"
    passed += 1


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)


def prepare(folder, wall=2.0, more=""):
    os.makedirs(folder)
    os.chdir(folder)
    write("space.toml", SPACE)
    write("model.sh", MODEL.replace("WALL", str(wall)))
    write("recipe.toml", RECIPE)
    write("campaign.toml", CAMPAIGN + more)


def learn(*arguments, campaign="campaign.toml", threads=2):
    return subprocess.run([PROGRAM, "learn", campaign, "--threads", str(threads), *arguments], text=True,
                          capture_output=True, timeout=120)


def parameters():
    with h5py.File("runs.h5") as file:
        return file["parameters"][()], file["status"][()]


def undisturbed(top):
    prepare(os.path.join(top, "undisturbed"))
    result = learn("--json")
    check("a campaign ends well", result.returncode == 0, result.stderr)
    said = json.loads(result.stdout)
    check("it says what it did", said["end"] == "budget" and said["runs"] == 20 and said["failed"] == 0, said)
    check("a round for each batch", [r["runs"] for r in said["rounds"]] == [8, 11, 14, 17, 20], said["rounds"])
    check("the error falls", said["rounds"][-1]["error"] < said["rounds"][0]["error"], said["rounds"])
    check("the table stands on standard error", "error (NRMSE)" in result.stderr, result.stderr)
    check("nothing runs twice", len(open("ran.txt").read().split()) == 20, open("ran.txt").read())
    left = sorted(os.listdir("."))
    check("files", {"runs.h5", "runs.h5.history.h5", "model.h5", "learn.html"} <= set(left), left)
    check("nothing is left behind", not [f for f in left if "batch" in f or f.endswith((".log", ".tmp"))], left)
    check("the model predicts", subprocess.run([PROGRAM, "info", "model.h5"], capture_output=True).returncode == 0)
    check("the report holds a drawing", "<svg" in open("learn.html").read())
    with h5py.File("runs.h5.history.h5") as file:
        check("the history", file.attrs["format"] in ("ersatz-learning", b"ersatz-learning")
              and list(file["runs"][()]) == [8, 11, 14, 17, 20], dict(file.attrs))
    again = learn()
    check("what is there is not overwritten", again.returncode == 2 and "--force" in again.stderr, again.stderr)
    return parameters()[0]


def asynchronous(top):
    """Points under way at any time: the same whatever the threads, killed or not."""
    prepare(os.path.join(top, "asynchronous"), more="asynchronous = true\n")
    result = learn("--json")
    check("an asynchronous campaign ends well", result.returncode == 0, result.stderr)
    said = json.loads(result.stdout)
    check("a round for each point", [r["runs"] for r in said["rounds"]] == [8] + list(range(9, 18)) + [20],
          said["rounds"])
    expected = parameters()[0]
    again = learn("--force", threads=1)
    check("the same points on one thread", again.returncode == 0 and np.array_equal(parameters()[0], expected),
          again.stderr)
    return expected


def killed(top, expected, more=""):
    prepare(os.path.join(top, "killed" + ("-asynchronous" if more else "")), more=more)
    chance, kills = random.Random(3), 0
    for attempt in range(100):
        process = subprocess.Popen([PROGRAM, "learn", "campaign.toml", "--threads", "2", "--resume", "--quiet"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            process.communicate(timeout=chance.uniform(0.15, 0.6) + 0.02 * attempt)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            time.sleep(0.1)
            continue
        check("the last call ends well", process.returncode == 0, process.returncode)
        break
    else:
        raise AssertionError("the campaign never ended")
    check("it was killed", kills >= 2, kills)
    got, status = parameters()
    check("all ran", np.all(status == 1), status)
    check("the same points as undisturbed", np.array_equal(got, expected))
    ran = len(open("ran.txt").read().split())
    # Those in flight, and a first run that only showed what the command puts out.
    check("only what was under way ran twice", ran <= 20 + 3 * kills, (ran, kills))
    left = os.listdir(".")
    check("nothing is left behind", not [f for f in left if "batch" in f or f.endswith((".log", ".tmp"))], left)
    return kills


def stopped(top, expected):
    prepare(os.path.join(top, "stopped"))
    process = subprocess.Popen([PROGRAM, "learn", "campaign.toml", "--threads", "1"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    time.sleep(0.6)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    if process.returncode != 0:  # it may have been faster
        check("a signal is a stop", process.returncode == 130, (process.returncode, out, err))
    refused = learn()
    check("an unfinished campaign is not begun anew", refused.returncode == 2 and "--resume" in refused.stderr,
          refused.stderr)
    check("it goes on", learn("--resume").returncode == 0)
    check("to the same points", np.array_equal(parameters()[0], expected))


def failures(top):
    prepare(os.path.join(top, "some-fail"), wall=0.4)
    result = learn("--json")
    check("some fail: status 4", result.returncode == 4, (result.returncode, result.stderr))
    check("they are counted", 0 < json.loads(result.stdout)["failed"] < 20, result.stdout)
    prepare(os.path.join(top, "all-fail"), wall=-2.0)
    result = learn()
    check("all fail: status 3", result.returncode == 3, (result.returncode, result.stderr))
    check("it says why", "beyond the wall" in result.stderr or "exit status 3" in result.stderr, result.stderr)


def wrong_campaigns(top):
    prepare(os.path.join(top, "wrong"))
    good = CAMPAIGN
    cases = [
        ("unknown acquisition", good + 'acquisition = "alm"\n', "unknown acquisition 'alm'; known:"),
        ("budget below the start design", good.replace("budget = 20", "budget = 5"), "smaller than the start design of 8"),
        ("an empty batch", good.replace("batch = 3", "batch = 0"), "a batch needs at least one point"),
        ("no budget", good.replace("budget = 20\n", ""), "'budget' is missing"),
        ("unknown key", good + "budgets = 3\n", "unknown key 'budgets'"),
        ("a recipe that is not there", good.replace("recipe.toml", "nowhere.toml"), "nowhere.toml"),
        ("no simulator", good.replace("command", "name", 1), "either simulator"),
        ("an unknown simulator", 'simulator = "brainin"\nbudget = 20\noutput = "r.h5"\n', "unknown simulator 'brainin'"),
        ("one file twice", good.replace("model.h5", "runs.h5"), "names of their own"),
        ("a gain that is none", good + "minimum_gain = 1.5\n", "minimum_gain = 1.5, expected a share"),
        ("asynchronous, or not", good + 'asynchronous = "yes"\n', "'asynchronous' must be true or false"),
        ("local where nothing is", good + 'acquisition = {name = "residual", local = true}\n', "local"),
        ("compare without test runs", good + 'compare = ["random"]\n', "'compare' needs test runs"),
    ]
    for what, toml, expected in cases:
        write("wrong.toml", toml)
        result = learn(campaign="wrong.toml")
        check(what, result.returncode == 2 and expected in result.stderr and result.stderr.count("ersatz:") == 1,
              (result.returncode, result.stderr))
    write("space.toml", SPACE.replace("upper = 1.0", "upper = -3.0"))
    result = learn()
    check("bounds inverted", result.returncode == 2 and "space.toml, line" in result.stderr and "a" in result.stderr,
          (result.returncode, result.stderr))
    check("no campaign file", learn(campaign="none.toml").returncode == 2)
    check("nothing ran", not os.path.exists("ran.txt"))
    check("nothing was written", not os.path.exists("runs.h5"))


def ships(top):
    os.makedirs(os.path.join(top, "ships"))
    os.chdir(os.path.join(top, "ships"))
    write("campaign.toml", 'simulator = "branin"\nbudget = 30\nstart = 20\nbatch = 5\ntest = 50\noutput = "runs.h5"\n'
          'compare = ["random", "space-filling"]\nreport = "learn.html"\ncandidates = 500\n')
    result = learn("--json")
    check("a simulator that ships", result.returncode == 0, result.stderr)
    said = json.loads(result.stdout)
    check("compared", sorted(said["comparison"]) == ["random", "space-filling"]
          and [r["runs"] for r in said["comparison"]["random"]] == [20, 25, 30], said["comparison"])
    check("both are in the report", all(w in open("learn.html").read() for w in ("random", "space-filling")))


def focused(top):
    """One measured value of branin: what is simulated lies where the value is likely, until the posterior settles."""
    os.makedirs(os.path.join(top, "focused"))
    os.chdir(os.path.join(top, "focused"))
    write("data.csv", "value,error\n20.0,2.0\n")
    write("infer.toml", '[[data]]\nfile = "data.csv"\n')
    campaign = ('simulator = "branin"\nbudget = 60\nstart = 16\nbatch = 4\ncandidates = 600\nposterior = "infer.toml"\n'
                'posterior_tolerance = 0.01\noutput = "runs.h5"\nmodel = "model.h5"\nreport = "learn.html"\n')
    write("campaign.toml", campaign)
    result = learn("--json")
    check("with a posterior", result.returncode == 0, result.stderr)
    said = json.loads(result.stdout)
    changes = [r["change"] for r in said["rounds"]]
    check("it settles", said["end"] == "settled" and max(changes[-2:]) < 0.01 and changes[0] is None, (said["why"], changes))
    with h5py.File("runs.h5") as file:
        values = file["outputs/" + list(file["outputs"])[0]][:, 0]
    chosen, start = np.abs(values[16:] - 20), np.abs(values[:16] - 20)
    check("simulated where data point", np.median(chosen) < 6 < np.median(start), (np.median(chosen), np.median(start)))
    check("the report shows the changes", "Kullback-Leibler" in open("learn.html").read())
    # The posterior of the emulator against that of the function itself, on a grid.
    result = subprocess.run([PROGRAM, "infer", "model.h5", "--config", "infer.toml", "-o", "chain.h5", "--quiet", "--seed", "3",
                             "--steps", "2000"], capture_output=True, text=True)
    check("infer", result.returncode == 0, result.stderr)
    with h5py.File("chain.h5") as file:
        draws = file["samples"][:].reshape(-1, 2)
    a, b = np.meshgrid(np.linspace(-5, 10, 601), np.linspace(0, 15, 601), indexing="ij")
    branin = (b - 5.1 / (4 * np.pi ** 2) * a ** 2 + 5 / np.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10
    weight = np.exp(-0.5 * ((branin - 20) / 2) ** 2)
    for name, grid, column in (("first", a, 0), ("second", b, 1)):
        mean = (weight * grid).sum() / weight.sum()
        deviation = np.sqrt((weight * (grid - mean) ** 2).sum() / weight.sum())
        check(f"posterior of the {name} parameter", abs(draws[:, column].mean() - mean) < 0.25 * deviation
              and abs(draws[:, column].std() / deviation - 1) < 0.15, (draws[:, column].mean(), mean, draws[:, column].std(), deviation))
    os.remove("runs.h5")
    for what, data, config, expected in (
            ("data that are no number", "value,error\nnan,2.0\n", '[[data]]\nfile = "bad.csv"\n', "bad.csv, line 2"),
            ("an output that is not there", "value,error\n20,2\n", '[[data]]\nfile = "bad.csv"\noutput = "z"\n', "no output 'z'"),
            ("a prior of nothing", "value,error\n20,2\n", '[[data]]\nfile = "bad.csv"\n[prior]\nz = 1\n', "z")):
        write("bad.csv", data)
        write("wrong-infer.toml", config)
        write("wrong.toml", campaign.replace("infer.toml", "wrong-infer.toml"))
        result = learn("--force", campaign="wrong.toml")
        check(what, result.returncode == 2 and expected in result.stderr, (result.returncode, result.stderr))
        check("and nothing was simulated", not os.path.exists("runs.h5"))
    for what, toml, expected in (
            ("a tolerance without a posterior", campaign.replace('posterior = "infer.toml"\n', ""), "needs posterior"),
            ("a posterior that is not there", campaign.replace("infer.toml", "nowhere.toml"), "nowhere.toml"),
            ("one by one", campaign + "asynchronous = true\n", "runs in batches")):
        write("wrong.toml", toml)
        result = learn("--force", campaign="wrong.toml")
        check(what, result.returncode == 2 and expected in result.stderr, (result.returncode, result.stderr))


def interested(top):
    """A table of points of interest: runs gather beside them; killed and resumed with it; tables that are none."""
    os.makedirs(os.path.join(top, "interested"))
    os.chdir(os.path.join(top, "interested"))
    draw = np.random.default_rng(5)
    table = np.column_stack([draw.uniform(0, 15, 500), np.arange(500), draw.uniform(6, 10, 500)])
    np.savetxt("corner.csv", table, delimiter=",", header="x2,other,x1", comments="", fmt="%.17g")
    campaign = ('simulator = "branin"\nbudget = 40\nstart = 16\nbatch = 4\ncandidates = 600\ninterest = "corner.csv"\n'
                'output = "runs.h5"\n')
    write("campaign.toml", campaign)
    result = learn("--json")
    check("with points of interest", result.returncode == 0, result.stderr)
    expected = parameters()[0]
    chosen, start = expected[16:, 0], expected[:16, 0]
    check("runs lie beside them", np.mean(chosen > 4) > 0.7 > 0.5 > np.mean(start > 4), (chosen, start))
    write("campaign.toml", campaign.replace("budget = 40", "budget = 24"))
    check("a part of it", learn("--force").returncode == 0)
    write("campaign.toml", campaign)
    check("resumed", learn("--resume").returncode == 0)
    check("to the same points", np.array_equal(parameters()[0], expected))
    # An archive's points are as good.
    check("from an archive", subprocess.run([PROGRAM, "simulate", "--simulator", "branin", "--design", "corner.csv[x1,x2]", "-o",
                                             "corner.h5", "--quiet"], capture_output=True).returncode == 0)
    write("campaign.toml", campaign.replace("corner.csv", "corner.h5"))
    check("the same points", learn("--force").returncode == 0 and np.array_equal(parameters()[0], expected))
    os.remove("runs.h5")
    for what, content, expected_text in (
            ("a missing column", "x1,z\n7,3\n", "no column for x2"),
            ("no rows", "x1,x2\n", "bad.csv"),
            ("a point that is no number", "x1,x2\n7,3\n7,nan\n", "bad.csv, line 3"),
            ("a point outside", "x1,x2\n7,3\n7,33\n", "x2 = 33 is outside of 0 to 15")):
        write("bad.csv", content)
        write("wrong.toml", campaign.replace("corner.csv", "bad.csv"))
        result = learn("--force", campaign="wrong.toml")
        check(what, result.returncode == 2 and expected_text in result.stderr and "bad.csv" in result.stderr
              and not os.path.exists("runs.h5"), (result.returncode, result.stderr))
    for what, toml, expected_text in (
            ("a table that is not there", campaign.replace("corner.csv", "nowhere.csv"), "nowhere.csv"),
            ("a posterior as well", campaign + 'posterior = "infer.toml"\n', "choose one"),
            ("one by one", campaign + "asynchronous = true\n", "runs in batches")):
        write("wrong.toml", toml)
        result = learn("--force", campaign="wrong.toml")
        check(what, result.returncode == 2 and expected_text in result.stderr, (result.returncode, result.stderr))


with tempfile.TemporaryDirectory() as folder:
    points = undisturbed(folder)
    kill_count = killed(folder, points) + killed(folder, asynchronous(folder), "asynchronous = true\n")
    stopped(folder, points)
    failures(folder)
    wrong_campaigns(folder)
    ships(folder)
    focused(folder)
    interested(folder)
    os.chdir("/")
print(f"{passed} checks, {kill_count} kills")
