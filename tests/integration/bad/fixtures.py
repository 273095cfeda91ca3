"""The files that the cases are tried on: a few good ones, and what becomes of them in bad hands."""

import os
import shutil
import subprocess

import h5py
import numpy as np

SPACE = """[[parameter]]
name = "a"
lower = 0.0
upper = 1.0

[[parameter]]
name = "b"
lower = 1.0
upper = 10.0
scale = "log"
"""

PARAMETER = '[[parameter]]\nname = "a"\nlower = 0.0\nupper = 1.0\n'
THREE = "".join(f'[[parameter]]\nname = "{n}"\nlower = -1.0\nupper = 1.0\n' for n in "xyz")

# Spaces that are wrong, by file name.
SPACES = {
    "syntax.toml": '[[parameter]\nname = "a"\n',
    "key.toml": PARAMETER + "colour = 3\n",
    "inverted.toml": '[[parameter]]\nname = "a"\nlower = 2.0\nupper = 1.0\n',
    "log.toml": '[[parameter]]\nname = "a"\nlower = 0.0\nupper = 1.0\nscale = "log"\n',
    "scale.toml": PARAMETER + 'scale = "cubic"\n',
    "no-upper.toml": '[[parameter]]\nname = "a"\nlower = 0.0\n',
    "text-bound.toml": '[[parameter]]\nname = "a"\nlower = "0"\nupper = 1.0\n',
    "nan-bound.toml": '[[parameter]]\nname = "a"\nlower = nan\nupper = 1.0\n',
    "inf-bound.toml": '[[parameter]]\nname = "a"\nlower = 0.0\nupper = inf\n',
    "number-name.toml": "[[parameter]]\nname = 3\nlower = 0.0\nupper = 1.0\n",
    "no-name.toml": '[[parameter]]\nname = ""\nlower = 0.0\nupper = 1.0\n',
    "twice.toml": PARAMETER + PARAMETER,
    "one-bracket.toml": '[parameter]\nname = "a"\nlower = 0.0\nupper = 1.0\n',
    "no-parameter.toml": "# nothing\n",
    "ball.toml": THREE + '[[constraint]]\ntype = "ball"\nmembers = ["x", "y", "q"]\nradius = 1.0\n',
    "ball-two.toml": THREE + '[[constraint]]\ntype = "ball"\nmembers = ["x", "y"]\nradius = 1.0\n',
    "ball-negative.toml": THREE + '[[constraint]]\ntype = "ball"\nmembers = ["x", "y", "z"]\nradius = -1.0\n',
    "ball-same.toml": THREE + '[[constraint]]\ntype = "ball"\nmembers = ["x", "x", "z"]\nradius = 1.0\n',
    "linear.toml": THREE + '[[constraint]]\ntype = "linear"\ncoefficients = {q = 1.0}\nupper = 1.0\n',
    "constraint.toml": THREE + '[[constraint]]\ntype = "cone"\nradius = 1.0\n',
    "contradiction.toml": THREE + '[[constraint]]\ntype = "linear"\ncoefficients = {x = 1.0}\nupper = -5.0\n',
    "newline-name.toml": '[[parameter]]\nname = "a\\nb"\nlower = 0.0\nupper = 1.0\n',
}

RECIPES = {
    "r-syntax.toml": "regressor = \n",
    "r-key.toml": 'regresor = "gp"\n',
    "r-transform.toml": 'transform = "cubist"\n',
    "r-decoder.toml": 'decoder = "morse"\n',
    "r-regressor.toml": 'regressor = "oracle"\n',
    "r-basis.toml": 'basis = "wavelet"\n',
    "r-setting.toml": 'regressor = {name = "linear", colour = 3}\n',
    "r-setting-type.toml": 'regressor = {name = "linear", degree = "two"}\n',
    "r-setting-fraction.toml": 'regressor = {name = "linear", degree = 1.5}\n',
    "r-setting-negative.toml": 'regressor = {name = "linear", degree = -1}\n',
    "r-setting-huge.toml": 'regressor = {name = "linear", degree = 1000000}\n',
    "r-gp-setting.toml": 'regressor = {name = "gp", kernel = "tartan"}\n',
    "r-basis-setting.toml": 'basis = {name = "pod", colour = 3}\n',
    "r-basis-tolerance.toml": 'basis = {name = "pod", tolerance = -1.0}\n',
    "r-basis-rank.toml": 'basis = {name = "pod", max_rank = 0}\n',
    "r-transform-setting.toml": 'transform = {name = "log", colour = 3}\n',
    "r-type.toml": "regressor = 3\n",
    "r-no-name.toml": "regressor = {degree = 2}\n",
    "r-fraction.toml": "test_fraction = 1.5\n",
    "r-calibration.toml": 'regressor = "linear"\ncalibration = "oracle"\n',
    "r-calibration-fraction.toml": 'regressor = "linear"\ncalibration = {name = "split", fraction = 1.0}\n',
    "r-calibration-folds.toml": 'regressor = "linear"\ncalibration = {name = "cross-validation", folds = 200}\n',
    "r-output.toml": '[output.nothing]\ndecoder = "identity"\n',
    "r-channel.toml": '[channel.nothing]\nregressor = "linear"\n',
    "r-channel-key.toml": "[channel.y]\ncolour = 3\n",
    "r-mixed.toml": 'regressor = {name = "linear", degree = [1, "two"]}\n',
    "r-log.toml": 'transform = "log"\nregressor = "linear"\n',
    "r-phase.toml": 'decoder = "amplitude-phase"\nregressor = "linear"\n',
}

CSVS = {
    "empty.csv": "",
    "comments.csv": "# only words\n# no numbers\n",
    "header-only.csv": "a,b\n",
    "ragged.csv": "a,b\n0.1,2\n0.2,3,4\n0.3,4\n",
    "short-row.csv": "a,b\n0.1,2\n0.2\n0.3,4\n",
    "token.csv": "a,b\n0.1,2\n0.2,three\n",
    "missing-field.csv": "a,b\n0.1,\n",
    "nan.csv": "a,b\n0.1,2\n0.2,nan\n",
    "inf.csv": "a,b\n0.1,2\n-inf,2\n",
    "overflow.csv": "a,b\n0.1,1e999\n",
    "duplicate-names.csv": "a,a\n0.1,2\n",
    "other-names.csv": "a,c\n0.1,2\n",
    "three-columns.csv": "0.1,2,3\n0.2,3,4\n",
    "comma-decimal.csv": "a;b\n0,1;2,5\n",
    "outside.csv": "a,b\n5.0,2\n0.5,2\n",
    "far-outside.csv": "a,b\n1e300,1e-300\n",
    "negative-log.csv": "a,b\n0.5,-3\n",
    "points.csv": "a,b\n0.1,2\n0.5,5\n0.9,9\n",
    "swapped.csv": "b,a\n2,0.1\n5,0.5\n9,0.9\n",
    "crlf.csv": "a,b\r\n0.1,2\r\n0.5,5\r\n0.9,9\r\n",
    "name ü [1].csv": "a,b\n0.1,2\n0.5,5\n",
    "observed.csv": "value,error\n0.5,0.1\n1.5,0.1\n1.6,0.1\n1.2,0.1\n1.0,0.1\n",
    "no-error.csv": "value,error\n0.5,0.1\n1.5,0\n1.6,0.1\n1.2,0.1\n1.0,0.1\n",
    "axis-short.csv": "1\n2\n3\n",
    "axis-unsorted.csv": "1\n3\n2\n4\n5\n",
    "axis-same.csv": "1\n2\n2\n4\n5\n",
    "axis-matrix.csv": "1,2\n3,4\n",
    "axis-nan.csv": "1\n2\nnan\n4\n5\n",
    "not-a-file.h5": "this is text\n",
}

# What an external program may do. `good` takes the name of the input and of the output.
PROGRAMS = {
    "good": 'printf "%s\\n" 1 2 3 > "$2"',
    "slow": 'echo "$(tail -1 "$1")" >> ran.txt; sleep 0.04; tail -1 "$1" > "$2"',
    "exit1": "echo no licence >&2; exit 1",
    "killed": "kill -9 $$",
    "segfault": "kill -SEGV $$",
    "hang": "sleep 30",
    "stubborn": 'trap "" TERM; sleep 30 & wait; sleep 30',
    "garbage": 'printf "\\001\\000\\377\\376" > "$2"',
    "words": 'echo "converged nicely" > "$2"',
    "silent": "true",
    "nan": 'printf "1\\nnan\\n3\\n" > "$2"',
    "empty": ': > "$2"',
    "folder": 'mkdir "$2"',
    "longer": 'if grep -q "^0.1" "$1"; then printf "1\\n2\\n" > "$2"; else printf "1\\n2\\n3\\n" > "$2"; fi',
    "axis": 'x=$(tail -1 "$1" | cut -d, -f1); printf "$x 1\\n5 2\\n" > "$2"',
    "half": 'if grep -q "^0.1" "$1"; then echo 5 > "$2"; else echo bad luck; exit 3; fi',
    "loud": 'yes | head -c 3000000; echo 5 > "$2"',
    "nan-later": 'if grep -q "^0.1" "$1"; then echo 5 > "$2"; else echo nan > "$2"; fi',
}


def archive(path, parameters, outputs, names=("a", "b"), attributes=None, **extra):
    """An archive as docs/file-formats.md describes it, written with h5py."""
    with h5py.File(path, "w") as f:
        f.attrs["format"] = "ersatz-archive"
        f.attrs["version"] = 1
        for key, value in (attributes or {}).items():
            f.attrs[key] = value
        p = f.create_dataset("parameters", data=parameters)
        if names is not None:
            p.attrs["names"] = list(names)
        for name, values in outputs.items():
            f["outputs/" + name] = values
        for name, values in extra.items():
            f[name.replace("__", "/")] = values


def sample(n=24, seed=1):
    random = np.random.default_rng(seed)
    x = np.column_stack([random.uniform(0, 1, n), np.exp(random.uniform(0, np.log(10), n))])
    x[0] = 0, 1
    x[1] = 1, 10
    t = np.arange(5.0)
    return x, np.sin(x[:, :1] + t) + 0.1 * x[:, 1:] * t


def cut(source, target, share):
    data = open(source, "rb").read()
    open(target, "wb").write(data[: int(len(data) * share)])


def flip(source, target, share):
    data = bytearray(open(source, "rb").read())
    data[int(len(data) * share)] ^= 0x40
    open(target, "wb").write(data)


def with_attributes(source, target, **attributes):
    shutil.copy(source, target)
    with h5py.File(target, "r+") as f:
        f.attrs.pop("checksum", None)
        for key, value in attributes.items():
            f.attrs[key] = value


def make(program):
    """Fills the current folder."""

    def run(*arguments):
        result = subprocess.run([program, *arguments], capture_output=True, text=True)
        if result.returncode != 0:
            raise SystemExit(f"a good file could not be made: {arguments}\n{result.stderr}")

    for name, text in {"space.toml": SPACE, **SPACES, **RECIPES, **CSVS}.items():
        open(name, "w", newline="").write(text)
    for name, text in PROGRAMS.items():
        open(name + ".sh", "w").write(text + "\n")
    os.mkdir("folder")
    open("old.h5", "w").write("precious\n")  # every case that must fail is told to write here

    x, y = sample()
    np.savetxt("p.csv", x, delimiter=",", header="a,b", comments="")
    np.savetxt("other-names-24.csv", x, delimiter=",", header="a,c", comments="")
    np.savetxt("y.csv", y, delimiter=",")
    open("one.csv", "w").write("a,b\n0.1,2\n")
    open("design.csv", "w").write("a,b\n0.1,2\n0.2,3\n0.3,4\n0.4,5\n")
    run("import", "--parameters", "p.csv", "--outputs", "y.csv", "--name", "y", "--space", "space.toml",
        "-o", "sims.h5")
    run("train", "sims.h5", "-o", "model.h5", "--regressor", "linear", "--quiet")
    run("train", "sims.h5", "-o", "gp.h5", "--regressor", "gp", "--test-fraction", "0", "--quiet")
    np.save("yc.npy", y * np.exp(1j * y))
    run("import", "--parameters", "p.csv", "--outputs", "yc.npy", "--name", "h", "-o", "complex.h5")
    run("train", "complex.h5", "-o", "model-complex.h5", "--regressor", "linear", "--quiet")
    run("predict", "model.h5", "points.csv", "-o", "predictions.h5")
    archive("two.h5", x, {"y": y, "z": y[:, 0]})
    run("train", "two.h5", "-o", "model-two.h5", "--regressor", "linear", "--quiet")
    a, b = sample(30, seed=2)
    archive("held-out.h5", a, {"y": b})
    archive("held-out-complex.h5", a, {"h": b * np.exp(1j * b)})
    archive("uneven.h5", a, {"h": b * np.exp(1j * b)}, axes__axis=np.array([0.0, 1, 2.5, 3, 4]))
    with h5py.File("uneven.h5", "r+") as f:
        f["outputs/h"].attrs["axis"] = "axis"
    for name, text in (("good", "1 1e-40\n2 1e-44\n"), ("unsorted", "1 1\n3 1\n2 1\n"), ("zero", "1 1\n2 0\n"),
                       ("nan", "1 nan\n2 1\n"), ("short", "1 1\n"), ("wide", "1 1 1\n2 1 1\n")):
        open(f"noise-{name}.txt", "w").write(text)

    for name, source in (("sims", "sims.h5"), ("model", "model.h5"), ("gp", "gp.h5")):
        for share in (0.01, 0.3, 0.7, 0.97):
            cut(source, f"{name}-cut-{share}.h5", share)
        for share in (0.001, 0.4, 0.8):
            flip(source, f"{name}-flip-{share}.h5", share)
        with_attributes(source, f"{name}-newer.h5", version=99)
    # h5py rewrites the file, so that only the checksum of the content is left to notice.
    shutil.copy("model.h5", "model-edited.h5")
    with h5py.File("model-edited.h5", "r+") as f:
        f.attrs["library_version"] = "0.0.0"
    shutil.copy("sims.h5", "sims-edited.h5")
    with h5py.File("sims-edited.h5", "r+") as f:
        f["parameters"][3, 0] = 0.123
    open("zero.h5", "w").close()
    with h5py.File("foreign.h5", "w") as f:
        f["data"] = np.arange(6.0)
    with h5py.File("no-parameters.h5", "w") as f:
        f.attrs["format"] = "ersatz-archive"
        f.attrs["version"] = 1
    np.savez("arrays.npz", a=x)

    n = len(x)
    bad = x.copy()
    bad[7, 1] = np.nan
    archive("nan-parameter.h5", bad, {"y": y})
    bad = y.copy()
    bad[7, 3] = np.inf
    archive("nan-output.h5", x, {"y": bad})
    archive("no-names.h5", x, {"y": y}, names=None)
    archive("duplicate-names.h5", x, {"y": y}, names=("a", "a"))
    archive("three-names.h5", x, {"y": y}, names=("a", "b", "c"))
    archive("no-outputs.h5", x, {})
    archive("other-rows.h5", x, {"y": y[:-1]})
    archive("all-failed.h5", x, {"y": y}, status=np.full(n, 2))
    archive("all-pending.h5", x, {"y": y}, status=np.zeros(n, dtype=int))
    archive("bad-status.h5", x, {"y": y}, status=np.full(n, 7))
    archive("bad-constraints.h5", x, {"y": y}, attributes={"constraints": "[{"})
    archive("no-rows.h5", np.zeros((0, 2)), {"y": np.zeros((0, 5))})
    archive("no-bins.h5", x, {"y": np.zeros((n, 0))})
    archive("text-output.h5", x, {"y": np.array([b"word"] * n)})
    archive("cube-output.h5", x, {"y": np.zeros((n, 2, 2))})
    archive("bad-axis.h5", x, {"y": y}, axes__t=np.array([0.0, 2, 1, 3, 4]))
    with h5py.File("bad-axis.h5", "r+") as f:
        f["outputs/y"].attrs["axis"] = "t"
    archive("missing-axis.h5", x, {"y": y})
    with h5py.File("missing-axis.h5", "r+") as f:
        f["outputs/y"].attrs["axis"] = "t"
    archive("linked.h5", x, {})
    with h5py.File("linked.h5", "r+") as f:
        f["outputs/y"] = h5py.ExternalLink("sims.h5", "/outputs/y")

    archive("one-run.h5", x[:1], {"y": y[:1]})
    archive("two-runs.h5", x[:2], {"y": y[:2]})
    archive("five-runs.h5", x[:5], {"y": y[:5]})
    archive("same-rows.h5", np.repeat(x[:1], n, 0), {"y": np.repeat(y[:1], n, 0)})
    archive("constant-output.h5", x, {"y": np.full_like(y, 3.25)})
    archive("zero-output.h5", x, {"y": np.zeros_like(y)})
    archive("constant-input.h5", np.column_stack([x[:, 0], np.full(n, 2.0)]), {"y": y})
    twice, other = np.repeat(x, 2, 0), np.repeat(y, 2, 0)
    archive("contradictory.h5", twice, {"y": other + np.tile([[0.0], [0.1]], (n, 1))})
    archive("duplicates.h5", twice, {"y": other})
    archive("opposites.h5", np.repeat(x[:1], n, 0), {"y": y})
    random = np.random.default_rng(3)
    wide = random.uniform(0, 1, (6, 40))
    archive("wide.h5", wide, {"y": wide[:, :5]}, names=[f"x{i}" for i in range(40)])
    archive("one-parameter.h5", x[:, :1], {"y": y}, names=("a",))
    archive("huge-values.h5", x, {"y": y * 1e307})
    archive("largest-values.h5", x, {"y": np.sign(y) * 1.7e308})
    archive("tiny-values.h5", x, {"y": y * 1e-310})
    archive("huge-parameters.h5", x * 1e300, {"y": y})
    archive("zebra.h5", a, {"other": b})
    archive("other-parameters.h5", a, {"y": b}, names=("a", "c"))
    archive("other-bins.h5", a, {"y": b[:, :3]})

    np.save("p.npy", x)
    np.save("object.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    np.save("cube.npy", np.zeros((2, 2, 2)))
    np.save("complex.npy", x + 1j)
    np.save("nan.npy", np.array([[0.5, np.nan]]))
    np.save("empty.npy", np.zeros((0, 2)))
    np.save("words.npy", np.array(["one", "two"]))
    np.save("record.npy", np.zeros(3, dtype=[("a", "f8"), ("b", "f8")]))
    cut("p.npy", "cut.npy", 0.8)
    cut("p.npy", "cut-header.npy", 0.1)
    good = open("p.npy", "rb").read()
    open("huge-shape.npy", "wb").write(good.replace(b"(24, 2), }    ", b"(99999999, 9), }"[:14]))
    open("version-9.npy", "wb").write(good[:6] + b"\x09" + good[7:])

    # A campaign that another simulator has left unfinished, and a log that is no log.
    open("damaged.h5.log", "wb").write(b"ErsatzRL\x01\x00\x00\x00\xff\xff\xff\xff")
    open("foreign.h5.log", "w").write("words\n")
