#!/usr/bin/env python3
"""compare --score, search and curve as users run them: results, wrong input, Ctrl-C and --resume.

    choosing.py PROGRAM        status 0 when all is as it must be"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

program = os.path.abspath(sys.argv[1])
work = tempfile.TemporaryDirectory(prefix="ersatz-choosing-")
os.chdir(work.name)
failures = 0


def check(what, good, shown=""):
    global failures
    failures += not good
    print(("ok   " if good else "FAIL ") + what + ("" if good else f": {shown}"), flush=True)


def run(line, status=0):
    r = subprocess.run([program] + line.split(), capture_output=True, text=True, timeout=250)
    if r.returncode != status:
        check(line, False, f"status {r.returncode}, expected {status}: {r.stderr}")
    return r


def refused(line, says, status=2):
    r = run(line, status)
    check(f"refuses: {line}", re.search(says, r.stderr) and r.stdout == "", r.stderr + r.stdout)


def write(name, text):
    with open(name, "w") as f:
        f.write(text)


run("design --simulator branin -n 40 -o d.csv")
run("simulate --simulator branin --design d.csv -o sims.h5 --quiet")
write("space.toml", """
regressor = {choices = ["linear", {name = "ridge", degree = {from = 1, to = 6, whole = true}, alpha = {from = 1e-9, to = 10, log = true}}]}
""")

# compare
for score in ("rmse", "relative-l2", "rmsle", "r2", "adjusted-r2", "max-error", "crps", "log-score"):
    rows = json.loads(run(f"compare sims.h5 --folds 3 --score {score} --json --quiet --threads 1").stdout)
    keys = {"regressor", "settings", "nrmse", "nrmse_se", "fit_seconds", "predict_us", "chosen", "why"}
    check(f"compare --score {score}", keys <= set(rows[0]) and rows[0]["score"] == score
          and sum(r["chosen"] for r in rows) == 1, rows[0])
    if score in ("rmse", "r2"):
        best = (max if score == "r2" else min)(rows, key=lambda r: r["score_value"])
        chosen = next(r for r in rows if r["chosen"])
        check("... chosen is the best or before it", rows.index(chosen) <= rows.index(best), chosen)
write("entrants.toml", 'entrants = ["linear", {name = "ridge", degree = 2}, {name = "knn", k = 3}]\n')
rows = json.loads(run("compare sims.h5 --entrants entrants.toml --folds 3 --json --quiet").stdout)
check("compare --entrants: these, in this order", [(r["regressor"], r["settings"][:8]) for r in rows]
      == [("linear", "least sq"), ("ridge", "degree 2"), ("knn", "k 3, wei")], rows)
write("wrong.toml", 'entrants = ["linear",\n {name = "ridge", degre = 2}]\n')
refused("compare sims.h5 --entrants wrong.toml", r"wrong\.toml, line 2: .*degre")
refused("compare sims.h5 --entrants none.toml", r"none\.toml")
refused("compare sims.h5 --score luck", r"unknown score 'luck'; known: nrmse")
refused("compare sims.h5 --score mismatch --quiet --folds 2", r"no complex output")

# search
line = "search sims.h5 --space space.toml --trials 12 --folds 3 --threads 1"
whole = json.loads(run(line + " -o whole.toml --json --quiet --nested 2").stdout)
check("search: twelve recipes, one best", len(whole["trials"]) == 12 and whole["end"] == "finished", whole)
scores = [t["score"] for t in whole["trials"]]
check("... its score is the smallest", whole["best"]["score"] == min(scores), scores)
check("... a nested figure", whole["nested"] > 0, whole["nested"])
check("... test runs are kept out", whole["test_runs"] == 8 and whole["searched_runs"] == 32, whole)
check("... the recipe trains", "scores" in run("train sims.h5 --recipe whole.toml -o m.h5 --quiet").stdout.lower())
with open("whole.toml.history.jsonl") as f:
    lines = [json.loads(x) for x in f]
check("... a history of JSON lines", lines[0]["format"] == "ersatz-search" and len(lines) == 1 + 12 + 2, len(lines))

run("search sims.h5 --space space.toml --trials 5 --folds 3 --threads 1 -o part.toml --quiet")
refused(line + " -o part.toml", r"part\.toml: is there already")
resumed = json.loads(run(line + " -o part.toml --resume --json --quiet").stdout)
check("resumed = undisturbed", [t["score"] for t in resumed["trials"]] == scores and resumed["kept"] == 5, resumed)
refused(line + " -o part.toml --resume --seed 3", r"another search: seed")
again = json.loads(run(line.replace("--threads 1", "--threads 2") + " -o two.toml --json --quiet").stdout)
check("same on two threads", [t["score"] for t in again["trials"]] == scores)

write("gp.toml", 'regressor = {name = "gp", starts = {from = 1, to = 900, whole = true}}\n')
process = subprocess.Popen([program] + "search sims.h5 --space gp.toml --trials 500 -o stop.toml --quiet".split(),
                           stderr=subprocess.PIPE, text=True)
for _ in range(600):
    if os.path.exists("stop.toml.history.jsonl") and len(open("stop.toml.history.jsonl").readlines()) > 2:
        break
    time.sleep(0.1)
process.send_signal(signal.SIGINT)
said = process.communicate(timeout=200)[1]
check("Ctrl-C: status 130, --resume named", process.returncode == 130 and "--resume" in said, said)
check("... what was found is kept", os.path.exists("stop.toml"))

write("bad.toml", "regressor = {name = \"ridge\", alpha = {from = 2, to = 1}}\n")
refused("search sims.h5 --space bad.toml -o x.toml", r"bad\.toml, line 1: .*from 2 to 1")
write("none.toml", "regressor = \"gp\"\n")
refused("search sims.h5 --space none.toml -o x.toml", r"none\.toml: nothing is open")
refused("search sims.h5 --space nothing.toml -o x.toml", r"nothing\.toml")
refused("search nothing.h5 --space space.toml -o x.toml", r"nothing\.h5")
refused("search sims.h5 --space space.toml -o x.toml --method annealing", r"'annealing'; known: grid, random, bayesian")
refused("search sims.h5 --space space.toml -o x.toml --trials 0", r"--trials")
refused("search sims.h5 --space space.toml -o x.toml --time nan", r"--time")
refused("search sims.h5 --space space.toml -o x.toml --folds 33", r"33.*32")
refused("search sims.h5 --space space.toml -o sims.h5 --force", r"sims\.h5: is an input")
check("nothing was left behind", not os.path.exists("x.toml"), os.listdir("."))

# curve
curve = json.loads(run("curve sims.h5 --regressor ridge --folds 4 --tolerance 0.05 --json --quiet").stdout)
check("curve: points ascend", [p["runs"] for p in curve["points"]] == sorted({p["runs"] for p in curve["points"]}))
check("... errors of what is there", curve["points"][-1]["runs"] == 30 and curve["points"][-1]["error"] > 0, curve)
text = run("curve sims.h5 --regressor ridge --folds 4 --tolerance 0.05 --quiet").stdout
check("... in words", "error(n) =" in text and re.search(r"more runs|is reached|below the floor", text), text)
refused("curve sims.h5 --score r2", r"r2")
refused("curve sims.h5 --tolerance 0", r"--tolerance")
refused("curve sims.h5 --sizes 10,20,4000", r"4000")
refused("curve sims.h5 --regressor oracle", r"oracle")
refused("curve nothing.h5", r"nothing\.h5")

# The same name again: the test set is no longer fresh.
run("train sims.h5 --regressor linear -o m2.h5 --quiet")
second = json.loads(run("train sims.h5 --regressor ridge -o m2.h5 --force --json --quiet").stdout)
check("a test set used twice is told of", second["validation"]["test_uses"] == 2
      and any("have scored 2 models" in w for w in second["warnings"]), second["warnings"])

sys.exit(1 if failures else 0)
