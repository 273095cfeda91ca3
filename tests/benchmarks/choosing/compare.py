#!/usr/bin/env python3
"""ersatz compare on real simulations: the tables of docs/choosing.md.

    compare.py PROGRAM DATA [--folds K] [--only nr_kicks,tsunami,goku] [--threads T]

DATA holds nr_kicks, tsunami and goku_multifidelity (docs/choosing.md says where they come from). Prints Markdown."""

import argparse
import json
import os
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("program")
parser.add_argument("data")
parser.add_argument("--folds", type=int, default=5)
parser.add_argument("--only", default="nr_kicks,tsunami,goku")
parser.add_argument("--threads", type=int, default=1)
arguments = parser.parse_args()
program, data = os.path.abspath(arguments.program), os.path.abspath(arguments.data)


def ersatz(*line):
    return subprocess.run([program, *line], check=True, capture_output=True, text=True).stdout


def nr_kicks(sims):
    kicks = f"{data}/nr_kicks/nr_kicks.csv"
    with open(kicks) as f:
        names = next(line for line in f if not line.startswith("#")).strip().split(",")
    inputs = ",".join(n for n in names if not n.startswith("v"))
    ersatz("import", "--parameters", f"{kicks}[{inputs}]", "--outputs", f"{kicks}[vx,vy,vz]", "--name", "kick", "-o", sims)


def tsunami(sims):
    ersatz("import", "--parameters", f"{data}/tsunami/inputs_210x14.csv", "--outputs",
           f"{data}/tsunami/targets_210x64.csv", "--name", "height", "-o", sims)


def goku(sims):
    folder = f"{data}/goku_multifidelity"
    ersatz("import", "--parameters", f"{folder}/params_LF.txt", "--outputs", f"{folder}/log10Pk_LF_Box1000_z0.txt",
           "--axis", f"{folder}/kf.txt", "--name", "log10P", "-o", sims)


def show(value, digits=3):
    return "–" if value is None else f"{value:.{digits}g}"


with tempfile.TemporaryDirectory() as work:
    for name, make in (("nr_kicks", nr_kicks), ("tsunami", tsunami), ("goku", goku)):
        if name not in arguments.only.split(","):
            continue
        sims = f"{work}/{name}.h5"
        make(sims)
        begin = time.time()
        rows = json.loads(ersatz("compare", sims, "--folds", str(arguments.folds), "--threads", str(arguments.threads),
                                 "--json", "--quiet"))
        print(f"### {name}: {arguments.folds} folds, {time.time() - begin:.0f} s on {arguments.threads} thread(s)\n")
        print("| | regressor | settings | NRMSE | ± | fit [s] | predict [µs] | why |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for r in rows:
            print(f"| {'*' if r['chosen'] else ''} | {r['regressor']} | {r['settings']} | {show(r['nrmse'])} | "
                  f"{show(r['nrmse_se'], 2)} | {show(r['fit_seconds'])} | {show(r['predict_us'])} | {r['why']} |")
        print(flush=True)
