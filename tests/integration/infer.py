#!/usr/bin/env python3
"""The subcommand infer: posteriors against a grid over the true function, threads and ranks, kills and signals, a posterior
at the edge of the domain.

    infer.py PROGRAM [MPIRUN]
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import packages

packages.need("h5py", "numpy")
import h5py  # noqa: E402
import numpy as np  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
MPIRUN = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
TIME = np.linspace(0.1, 3.0, 15)
SIGMA = 0.05
passed = 0


def check(what, condition, detail=""):
    global passed
    assert condition, f"{what}: {detail}"
    passed += 1


def decay(height, rate):
    return np.multiply.outer(height, np.ones_like(TIME)) * np.exp(-np.multiply.outer(rate, TIME))


def infer(*arguments, model="model.h5", prefix=(), timeout=250):
    return subprocess.run([*prefix, PROGRAM, "infer", model, "--quiet", *arguments], text=True, capture_output=True,
                          timeout=timeout)


def write_data(name, height, rate, seed):
    noise = np.random.default_rng(seed).normal(size=TIME.size) * SIGMA
    values = decay(height, rate) + noise
    with open(name, "w") as file:
        file.write("time,value,error\n")
        for row in zip(TIME, values, np.full(TIME.size, SIGMA)):
            file.write(",".join(repr(float(v)) for v in row) + "\n")
    return values


def prepare():
    rng = np.random.default_rng(0)
    x = np.stack([rng.permutation(60) + rng.uniform(size=60) for _ in range(2)], axis=1) / 60
    height, rate = 1 + x[:, 0], 0.5 + 1.5 * x[:, 1]
    with h5py.File("sims.h5", "w") as f:
        f.attrs["format"], f.attrs["version"] = "ersatz-archive", 1
        parameters = f.create_dataset("parameters", data=np.stack([height, rate], axis=1))
        parameters.attrs["names"], parameters.attrs["units"] = ["height", "rate"], ["V", "1/s"]
        parameters.attrs["lower"], parameters.attrs["upper"] = [1.0, 0.5], [2.0, 2.0]
        f["axes/time"] = TIME
        f["axes/time"].attrs["unit"] = "s"
        f["outputs/signal"] = decay(height, rate)
        f["outputs/signal"].attrs["axis"] = "time"
    result = subprocess.run([PROGRAM, "train", "sims.h5", "-o", "model.h5", "--quiet", "--test-fraction", "0"],
                            text=True, capture_output=True)
    assert result.returncode == 0, result.stderr


def grid_posterior(values):
    """Means, deviations and correlation by sums over the box, with the true function."""
    height, rate = np.meshgrid(np.linspace(1, 2, 301), np.linspace(0.5, 2, 301), indexing="ij")
    chi2 = ((decay(height.ravel(), rate.ravel()) - values)**2).sum(axis=1) / SIGMA**2
    weight = np.exp(-0.5 * (chi2 - chi2.min()))
    weight /= weight.sum()
    theta = np.stack([height.ravel(), rate.ravel()])
    mean = theta @ weight
    covariance = (theta - mean[:, None]) * weight @ (theta - mean[:, None]).T
    return mean, np.sqrt(np.diag(covariance)), theta.T[np.argmax(weight)]


def same_content(a, b):
    with h5py.File(a) as left, h5py.File(b) as right:
        return left.attrs["checksum"] == right.attrs["checksum"]


def posteriors():
    values = write_data("data.csv", 1.5, 1.1, 1)
    mean, deviation, best = grid_posterior(values)
    for method, steps in (("nuts", 1500), ("ensemble", 2500)):
        result = infer("--data", "data.csv", "-o", f"{method}.h5", "--method", method, "--steps", str(steps), "--warmup",
                       "500", "--json", "--report", f"{method}.html", "--threads", "1")
        check(f"{method} ends well", result.returncode == 0, result.stderr)
        said = json.loads(result.stdout)
        for i, p in enumerate(said["parameters"]):
            error = deviation[i] / np.sqrt(p["bulk_effective_size"])
            check(f"{method}: mean of {p['name']}", abs(p["mean"] - mean[i]) < 4.5 * error + 0.03 * deviation[i],
                  (p, mean, deviation))
            check(f"{method}: deviation", abs(p["standard_deviation"] / deviation[i] - 1) < 0.12, (p, deviation))
            check(f"{method}: R-hat", p["r_hat"] < 1.03 and not p["leans_on_edge"], p)
            check("the maximum", abs(said["maximum"]["parameters"][p["name"]] - best[i]) < 0.1 * deviation[i], said)
        tree = xml.etree.ElementTree.parse(f"{method}.html")
        check("the report has its drawings", len(list(tree.iter("{http://www.w3.org/2000/svg}svg"))) > 5)
        with h5py.File(f"{method}.h5") as f:
            draws = f["samples"]
            check("shape", draws.shape == (said["chains"], steps, 2) and f["warmup/samples"].shape[1] == 500, draws.shape)
            check("names and units", list(draws.attrs["names"]) == ["height", "rate"]
                  and list(draws.attrs["units"]) == ["V", "1/s"])
            check("what the table says is of the draws", np.allclose(draws[...].mean(axis=(0, 1)), draws.attrs["mean"]))
            x = draws[0, 17]
            chi2 = ((decay(*x) - values)**2).sum() / SIGMA**2
            other = draws[-1, 99]
            difference = f["log_likelihood"][0, 17] - f["log_likelihood"][-1, 99]
            expected = -0.5 * (chi2 - ((decay(*other) - values)**2).sum() / SIGMA**2)
            check("log likelihoods", abs(difference - expected) < 0.05, (difference, expected))
            check("format", f.attrs["format"] == "ersatz-chain" and f.attrs["complete"] == 1)
    result = infer("--data", "data.csv", "-o", "map.h5", "--method", "map", "--json")
    said = json.loads(result.stdout)["maximum"]
    for i, name in enumerate(("height", "rate")):
        check("map", abs(said["parameters"][name] - best[i]) < 0.1 * deviation[i], said)
        check("normal approximation", abs(said["deviations"][name] / deviation[i] - 1) < 0.15, (said, deviation))
    for name, word in (("nuts.h5", "chains: 4"), ("map.h5", "method: map")):
        info = subprocess.run([PROGRAM, "info", name], text=True, capture_output=True)
        check("info knows a chain", info.returncode == 0 and "ersatz-chain" in info.stdout and word in info.stdout,
              info.stdout + info.stderr)
    table = infer("--data", "data.csv", "-o", "table.h5", "--steps", "250", "--warmup", "200")
    check("a table on the terminal", "height [V]" in table.stdout and "R-hat" in table.stdout, table.stdout)
    check("files in the way stay", infer("--data", "data.csv", "-o", "table.h5").returncode == 2)


def edge():
    write_data("edge.csv", 1.995, 1.1, 2)
    result = infer("--data", "edge.csv", "-o", "edge.h5", "--steps", "600", "--warmup", "400", "--json")
    check("a posterior at the edge has status 0", result.returncode == 0, result.stderr)
    said = json.loads(result.stdout)
    check("it leans on the edge", said["parameters"][0]["leans_on_edge"] and not said["parameters"][1]["leans_on_edge"],
          said["parameters"])
    check("in words", any("'height' leans on the upper edge" in w for w in said["domain_warnings"]), said)


def same_bits():
    for method in ("nuts", "ensemble"):
        chain = ["--data", "data.csv", "--method", method, "--steps", "150", "--warmup", "150"]
        first = infer(*chain, "-o", "one.h5", "--threads", "1", "--force")
        check(f"{method}: ends well", first.returncode == 0, first.stderr)
        other = infer(*chain, "-o", "two.h5", "--threads", "2", "--force")
        check(f"{method}: two threads", other.returncode == 0 and same_content("one.h5", "two.h5"), other.stderr)
        if MPIRUN:
            for ranks in ("2", "4"):
                other = infer(*chain, "-o", "two.h5", "--threads", "1", "--force", prefix=(MPIRUN, ranks))
                check(f"{method}: {ranks} ranks", other.returncode == 0 and same_content("one.h5", "two.h5"),
                      other.stderr)
        other = infer(*chain, "-o", "two.h5", "--seed", "6", "--force")
        with h5py.File("one.h5") as one, h5py.File("two.h5") as two:
            check("another seed, other draws", other.returncode == 0
                  and not np.any(one["samples"][:, -1] == two["samples"][:, -1]), other.stderr)


def interrupted():
    for method, steps in (("nuts", 4000), ("ensemble", 4000)):
        chain = ["--data", "data.csv", "--method", method, "--steps", str(steps), "--warmup", "300", "--save-every", "0.1"]
        infer(*chain, "-o", "whole.h5", "--force")
        if os.path.exists("part.h5"):
            os.unlink("part.h5")
        kills = stops = 0
        for attempt in range(60):
            process = subprocess.Popen([PROGRAM, "infer", "model.h5", "--quiet", *chain, "-o", "part.h5", "--resume"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            before = os.stat("part.h5").st_mtime_ns if os.path.exists("part.h5") else 0
            end = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < end and (
                    not os.path.exists("part.h5") or os.stat("part.h5").st_mtime_ns == before):
                time.sleep(0.01)
            if process.poll() is None and attempt < 6:
                process.send_signal(signal.SIGINT if attempt % 2 else signal.SIGKILL)
            _, error = process.communicate(timeout=200)
            if process.returncode == 0:
                break
            if process.returncode == 130:
                check("it says how to go on", "--resume" in error, error)
                stops += 1
            else:
                check("killed", process.returncode == -signal.SIGKILL, (process.returncode, error))
                kills += 1
                info = subprocess.run([PROGRAM, "info", "part.h5"], text=True, capture_output=True)
                with h5py.File("part.h5") as part:
                    complete = part.attrs["complete"] == 1  # killed between the last save and its end
                check("what was saved is whole", info.returncode == 0 and (complete or "--resume" in info.stdout),
                      info.stdout + info.stderr)
        check(f"{method}: was interrupted", kills >= 1, (kills, stops))
        check(f"{method}: the chain of an undisturbed call", same_content("whole.h5", "part.h5"))
        other = infer(*chain, "-o", "part.h5", "--resume", "--seed", "1")
        check("not with another seed", other.returncode == 2 and "another seed (0, now 1)" in other.stderr, other.stderr)
        write_data("other.csv", 1.4, 1.1, 1)
        other = infer("--data", "other.csv", *chain[2:], "-o", "part.h5", "--resume")
        check("not with other data", other.returncode == 2 and "another posterior" in other.stderr, other.stderr)
        print(f"{method}: {kills} kills, {stops} stops")
    more = ["--data", "data.csv", "--warmup", "200", "--steps"]
    infer(*more, "150", "-o", "shorter.h5")
    infer(*more, "300", "-o", "shorter.h5", "--resume")
    infer(*more, "300", "-o", "longer.h5")
    check("a chain can be made longer", same_content("shorter.h5", "longer.h5"))


with tempfile.TemporaryDirectory(prefix="ersatz-infer-") as folder:
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = "1"
    prepare()
    for part in (posteriors, edge, same_bits, interrupted):
        began = time.monotonic()
        part()
        print(f"{part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
print(f"{passed} checks passed")
