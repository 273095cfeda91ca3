"""What takes more than one call: kills, two at once, full disks, closed pipes. Each story returns what happened and
raises AssertionError when that must not be."""

import os
import random
import resource
import signal
import subprocess
import time

import h5py
import numpy as np

from . import fixtures

excused = []  # what SIGKILL left in the temporary folder: nobody could have cleaned up


def run(program, *arguments, **more):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, **more)


def claim(condition, why, result=None):
    if not condition:
        raise AssertionError(why + (f": status {result.returncode}, {result.stderr.strip()[-400:]}" if result else ""))


def slow_campaign(n):
    open("space.toml", "w").write(fixtures.SPACE)
    open("slow.sh", "w").write(fixtures.PROGRAMS["slow"] + "\n")
    with open("design.csv", "w") as f:
        f.write("a,b\n" + "".join(f"{(i + 0.5) / n},2\n" for i in range(n)))
    return ["simulate", "--command", "sh slow.sh {input} {output}", "--space", "space.toml", "--design", "design.csv",
            "-o", "sims.h5", "--threads", "2", "--quiet"]


def temporary():
    return os.environ["TMPDIR"]


def check_campaign(n, twice):
    """Every run is in the archive; at most `twice` of them have been started more than once."""
    with h5py.File("sims.h5", "r") as f:
        claim(np.all(f["status"][()] == 1), "not all runs are done")
        got = f["outputs/output"][()].reshape(n, -1)[:, 0]
        claim(np.array_equal(got, f["parameters"][:, 0]), "runs stand in the wrong rows")
    ran = open("ran.txt").read().split()
    claim(len(set(ran)) == n, f"{len(set(ran))} different points ran, {n} are there")
    claim(len(ran) - n <= twice, f"{len(ran) - n} runs too many; {twice} were under way when killed")
    claim(not [f for f in os.listdir(".") if f.endswith(".log") or f.endswith(".tmp")], f"left: {os.listdir('.')}")
    return len(ran) - n


def killed_and_resumed(program, signals, n=50):
    call = slow_campaign(n)
    chance = random.Random(1)
    under_way = 0
    for number, how in enumerate(signals):
        process = subprocess.Popen([program, *call, *(["--resume"] if number else [])], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(0.08 + 0.2 * chance.random())
        process.send_signal(how)
        _, errors = process.communicate(timeout=20)
        under_way += 2
        if how == signal.SIGKILL:
            claim(process.returncode == -signal.SIGKILL, f"it had ended before: {errors}")
            time.sleep(0.1)  # its orphans
            excused.extend(set(os.listdir(temporary())) - set(excused))
        else:
            claim(process.returncode == 130, f"status {process.returncode}: {errors}")
        claim(not os.path.exists("sims.h5"), "an archive is there before the runs have ended")
    result = run(program, *call, "--resume")
    claim(result.returncode == 0, "it does not go on", result)
    check_campaign(n, under_way)
    return f"{len(signals)} times; all {n} runs done, none ran again but those that were under way"


def kill_simulate(program):
    """kill -9 of simulate at random moments, then --resume"""
    return killed_and_resumed(program, [signal.SIGKILL] * 4)


def terminate_simulate(program):
    """SIGTERM, SIGINT and SIGHUP of simulate at random moments, then --resume"""
    return killed_and_resumed(program, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])


def resume_runs_nothing_again(program):
    """--resume after a stop runs nothing again that had ended"""
    n = 12
    call = slow_campaign(n)
    process = subprocess.Popen([program, *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not os.path.exists("ran.txt") or len(open("ran.txt").read().split()) < 4:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    time.sleep(0.1)
    excused.extend(set(os.listdir(temporary())) - set(excused))
    first = float(open("ran.txt").read().split()[0].split(",")[0])
    result = run(program, *call, "--resume")
    claim(result.returncode == 0, "it does not go on", result)
    ran = [float(line.split(",")[0]) for line in open("ran.txt").read().split()]
    claim(ran.count(first) == 1, f"the first run ran {ran.count(first)} times")
    count = len(ran)
    result = run(program, *call, "--resume")
    claim(result.returncode == 0, "a finished campaign is not taken", result)
    claim(len(open("ran.txt").read().split()) == count, "--resume of a finished campaign ran the command")
    return "what had ended is not run again; a finished campaign is left as it is"


def two_at_once(program):
    """two simulate on the same archive at once"""
    n = 30
    call = slow_campaign(n)
    first = subprocess.Popen([program, *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not os.path.exists("sims.h5.log"):
        time.sleep(0.005)
    said = ""
    for more in ([], ["--resume"], ["--force"]):
        second = run(program, *call, *more)
        claim(second.returncode == 2, f"the second was not refused ({more})", second)
        claim("sims.h5" in second.stderr, "the message does not name the file", second)
        said = said or second.stderr.strip()
    claim(first.wait(timeout=30) == 0, "the first did not finish")
    check_campaign(n, 3)
    return said


def kill_writers(program):
    """kill -9 of train, import and predict at random moments"""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, (400, 2))
    np.save("x.npy", x)
    np.save("y.npy", np.sin(x @ rng.uniform(0, 5, (2, 3000))))
    imports = ["import", "--parameters", "x.npy", "--outputs", "y.npy", "-o", "sims.h5", "--force", "--quiet"]
    train = ["train", "sims.h5", "-o", "model.h5", "--regressor", "linear", "--force", "--quiet"]
    predict = ["predict", "model.h5", "x.npy", "-o", "p.h5", "--force", "--quiet"]
    chance = random.Random(2)
    killed = 0
    for call, target in ((imports, "sims.h5"), (train, "model.h5"), (predict, "p.h5")):
        begin = time.monotonic()
        result = run(program, *call)
        claim(result.returncode == 0, "it does not work undisturbed", result)
        needed = time.monotonic() - begin
        for _ in range(5):
            process = subprocess.Popen([program, *call], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(needed * chance.random())
            process.kill()
            killed += process.wait() == -signal.SIGKILL
            info = run(program, "info", target)  # verifies both checksums
            claim(info.returncode == 0, f"{target} is damaged", info)
        result = run(program, *call)
        claim(result.returncode == 0, "it does not work afterwards", result)
        left = [f for f in os.listdir(".") if f.endswith(".tmp")]
        claim(not left, f"the next writer has not removed {left}")
    claim(killed >= 5, f"only {killed} were caught alive")
    return "old file or new file, whole; the next call removed what was left"


def prepare_files(program, bins=2000):
    x, _ = fixtures.sample()
    y = np.sin(x[:, :1] * np.linspace(1, 9, bins))
    np.save("x.npy", x)
    np.save("y.npy", y)
    for call in (["import", "--parameters", "x.npy", "--outputs", "y.npy", "--name", "y", "-o", "sims.h5"],
                 ["train", "sims.h5", "-o", "model.h5", "--regressor", "linear"],
                 ["design", "--simulator", "waveform-aligned", "-n", "20", "-o", "design.csv"]):
        result = run(program, *call)
        claim(result.returncode == 0, "a good file could not be made", result)


WRITERS = {
    "import": ["import", "--parameters", "x.npy", "--outputs", "y.npy"],
    "train": ["train", "sims.h5", "--regressor", "linear", "--quiet"],
    "predict": ["predict", "model.h5", "x.npy"],
    "report": ["report", "model.h5"],
    "design": ["design", "--simulator", "branin", "-n", "20000"],
    "simulate": ["simulate", "--simulator", "waveform-aligned", "--design", "design.csv", "--quiet"],
}


def full_disk(program):
    """the disk is full: import, train, predict, report, design, simulate"""
    prepare_files(program)
    os.mkdir("small")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", "small"],
                                           capture_output=True).returncode != 0:
        return "skipped: a small file system can only be mounted by root"
    said = ""
    try:
        for name, call in WRITERS.items():
            target = f"small/{name}.h5"
            if name != "simulate":
                open(target, "w").write("old")
            result = run(program, *call, "-o", target, "--force")
            claim(result.returncode == 1, f"{name} onto a full disk", result)
            claim("full" in result.stderr and target in result.stderr, f"{name}: the message does not say so", result)
            said = said or result.stderr.strip()
            if name != "simulate":
                claim(open(target).read() == "old", f"{name}: the old file has changed")
                os.remove(target)
                claim(not os.listdir("small"), f"{name} left {os.listdir('small')}")
    finally:
        subprocess.run(["umount", "small"], check=True)
    return f"status 1; {said}"


def file_size_limit(program):
    """files may not grow any more (ulimit -f)"""
    prepare_files(program)
    before = set(os.listdir("."))

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    said = ""
    for name, call in WRITERS.items():
        target = f"{name}-new.h5"
        result = run(program, *call, "-o", target, preexec_fn=limit)
        claim(result.returncode == 1, f"{name} beyond the limit", result)
        claim(target in result.stderr, f"{name}: the message does not name the file", result)
        said = said or result.stderr.strip()
        left = set(os.listdir(".")) - before - {target + ".log"}
        claim(not left, f"{name} left {left}")
    return f"status 1; {said}"


def little_memory(program):
    """little memory (ulimit -v)"""
    prepare_files(program)
    before = set(os.listdir("."))

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))

    said = []
    for call in (["design", "--simulator", "branin", "-n", "90000000", "-o", "new.csv"],
                 ["simulate", "--simulator", "branin", "--design", "x.npy", "-o", "new.h5", "--threads", "4096"],
                 ["predict", "model.h5", "x.npy", "-o", "new.h5", "--threads", "4096"]):
        result = run(program, *call, preexec_fn=limit)
        claim(result.returncode in (0, 1), f"{call[0]} with little memory", result)
        claim(result.returncode == 0 or "memory" in result.stderr or "threads" in result.stderr,
              f"{call[0]}: the message does not say what is short", result)
        if result.returncode:
            said.append(result.stderr.strip())
        for name in set(os.listdir(".")) - before:
            claim(result.returncode == 0 or name.endswith(".log"), f"{call[0]} left {name}", result)
            os.remove(name)
    return "status 0 or 1; " + "; ".join(said)


def unwritable_folder(program):
    """a folder that cannot be written to"""
    if os.geteuid() == 0:
        return "skipped: root may write anywhere"
    prepare_files(program)
    os.mkdir("closed", 0o555)
    result = run(program, "train", "sims.h5", "-o", "closed/model.h5")
    claim(result.returncode == 2 and "closed/" in result.stderr, "not refused", result)
    return f"status 2; {result.stderr.strip()}"


def closed_output(program):
    """standard output is full or closed"""
    prepare_files(program)
    with open("/dev/full", "w") as full:
        result = subprocess.run([program, "info", "model.h5"], stdout=full, stderr=subprocess.PIPE, text=True)
    claim(result.returncode == 1 and "standard output" in result.stderr, "> /dev/full", result)
    result = run("bash", "-c", f"'{program}' info model.h5 --json | head -1; echo ${{PIPESTATUS[0]}}")
    claim(result.stdout.split()[-1] in ("0", "141") and not result.stderr, "| head -1", result)
    result = run("bash", "-c", f"'{program}' info model.h5 >&-")
    claim(result.returncode == 1 and "standard output" in result.stderr, ">&-", result)
    # With descriptors 1 and 2 closed, the next file that is opened must not take their place.
    result = run("bash", "-c", f"'{program}' train sims.h5 -o new.h5 --regressor linear >&- 2>&-")
    info = run(program, "info", "new.h5")
    claim(info.returncode == 0, "a file written with closed descriptors is damaged", info)
    return "status 1, standard output cannot be written to; files are whole"


def closed_on_the_way(program):
    """the terminal is gone (standard error and output closed) while simulations run"""
    n = 20
    call = slow_campaign(n)
    call.remove("--quiet")
    process = subprocess.Popen([program, *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    process.stderr.close()
    process.wait(timeout=30)
    claim(os.path.exists("sims.h5"), f"it has not gone on: {process.returncode}")
    check_campaign(n, 0)
    return "it goes on to the end; every run is there"


def stories():
    return [kill_simulate, terminate_simulate, resume_runs_nothing_again, two_at_once, kill_writers, full_disk,
            file_size_limit, little_memory, unwritable_folder, closed_output, closed_on_the_way]
