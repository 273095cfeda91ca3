"""Campaigns for the fault stories of the simulation farm, and what is checked of them."""

import os
import random
import signal
import subprocess
import time

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
MPIRUN = os.path.join(os.path.dirname(os.path.dirname(HERE)), "mpirun.sh")

SPACE = """[[parameter]]
name = "a"
lower = 0.0
upper = 1e6

[[parameter]]
name = "mode"
lower = 0.0
upper = 10.0
"""

# Writes down that it begins, computes three numbers from `a` (and WIDE), and misbehaves as `mode` says: it fills a
# disk by the file FULL, waits for the file `go`, or makes a folder SPOIL where a log was to be.
SIMULATOR = r"""
{ read header; IFS=, read a mode; } < "$1"
echo "$a" >> "$LEDGER"
case $mode in
  0.5) sleep 0.05 ;;
  1*) sleep 1000 ;;
  2*) kill -SEGV $$ ;;
  3*) head -c 3000 /dev/urandom > "$2"; exit 0 ;;
  4*) exit 0 ;;
  5*) echo "it diverged"; exit 3 ;;
  6*) sleep 0.2 ;;
  7*) cat /dev/zero > "$FULL" 2>/dev/null ;;
  8*) while [ ! -e go ]; do sleep 0.02; done ;;
  9*) mkdir "$SPOIL" ;;
esac
i=${a%%.*}
echo "$i,$((i * i)),$((i * 7 + 3))$WIDE" > "$2"
"""


class Trouble(AssertionError):
    pass


def claim(condition, why, result=None):
    if not condition:
        raise Trouble(why + (f": status {result.returncode}, {result.stderr.strip()[-600:]}, {result.stdout.strip()[-200:]}" if result else ""))


class Campaign:
    """A design, a command to run on it, and the ways to call it. `modes`: of the rows, over and over."""

    def __init__(self, program, runs, modes=(0,), archive="sims.h5"):
        self.program, self.runs, self.archive = program, runs, archive
        with open("space.toml", "w") as f:
            f.write(SPACE)
        with open("sim.sh", "w") as f:
            f.write(SIMULATOR)
        with open("design.csv", "w") as f:
            f.write("a,mode\n" + "".join(f"{i},{modes[i % len(modes)]}\n" for i in range(runs)))
        self.environment = dict(os.environ, LEDGER=os.path.abspath("ledger"), FULL=os.path.abspath("full"))
        open("ledger", "w").close()

    def call(self, *more, archive=None, design="design.csv"):
        return [self.program, "simulate", "--command", "sh sim.sh {input} {output}", "--space", "space.toml",
                "--design", design, "-o", archive or self.archive, "--threads", "1", "--quiet", *more]

    def start(self, ranks, *more, command=None, **options):
        """ranks = 0: without mpirun."""
        call = command or self.call(*more, **options)
        call = ["bash", MPIRUN, str(ranks), *call] if ranks else call
        return subprocess.Popen(call, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    def run(self, ranks, *more, timeout=120, **options):
        process = self.start(ranks, *more, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            kill_all(process, ranks)
            process.communicate()
            raise Trouble(f"no end after {timeout} s: {more}") from None
        return subprocess.CompletedProcess(process.args, process.returncode, out, own_words(err))

    def begun(self):
        with open("ledger") as f:
            return [int(float(line)) for line in f.read().split()]

    def at_work(self):
        """Whether a process of this campaign is there: simulators outlive a rank that is killed. Looked for several
        times: a process that is being started has no environment for a moment."""
        mark = f"LEDGER={self.environment['LEDGER']}".encode()
        for look in range(4):
            time.sleep(0.01 if look else 0.0)
            for entry in os.listdir("/proc"):
                try:
                    with open(f"/proc/{entry}/environ", "rb") as f:
                        if mark in f.read().split(b"\0"):
                            return True
                except OSError:
                    continue
        return False

    def logs(self):
        folder, name = os.path.split(os.path.abspath(self.archive))
        return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.startswith(name + ".log"))

    def check_archive(self, done=None, archive=None):
        """Each run is there once, with the values that it must have; `done`: which rows (all)."""
        with h5py.File(archive or self.archive, "r") as f:
            status, a = f["status"][()], f["parameters"][:, 0]
            got = f["outputs/output"][()]
        claim(np.array_equal(a, np.arange(self.runs)), "the archive's points are not the design's")
        wanted = np.ones(self.runs, bool) if done is None else done
        claim(np.array_equal(status == 1, wanted), f"{np.sum(status == 1)} runs done, {np.sum(wanted)} are due")
        due = np.stack([a, a * a, a * 7 + 3], axis=1)
        claim(np.array_equal(got[wanted, :3], due[wanted]), "results differ from those of an undisturbed run")
        claim(not self.logs(), f"left behind: {self.logs()}")
        return int(np.sum(wanted))


def own_words(errors):
    """Without what mpirun adds."""
    kept = [line for line in errors.splitlines() if line.startswith("ersatz: ")]
    return "\n".join(kept) if kept else errors


def ranks_of(process):
    """Process numbers of the ranks that mpirun has started."""
    children = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == process.pid:
            children.append(int(entry))
    return sorted(children)


def send(pid, how):
    try:
        os.kill(pid, how)
        return True
    except ProcessLookupError:
        return False


def kill_all(process, ranks):
    pids = ranks_of(process) if ranks else []
    for pid in [process.pid, *pids]:
        send(pid, signal.SIGKILL)


def kill_all_and_wait(process, ranks):
    """Until none of them is there any more."""
    pids = ranks_of(process)
    kill_all(process, ranks)
    process.communicate()
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids))


def wait_for(what, process=None, seconds=60):
    """Until what() is true (returns True) or the process has ended (False)."""
    end = time.monotonic() + seconds
    while not what():
        if process is not None and process.poll() is not None:
            return False
        if time.monotonic() > end:
            raise Trouble("nothing happens any more")
        time.sleep(0.002)
    return True


def records_in(path):
    """Rows of the records in a run log, and where each ends, read by the page docs/file-formats.md."""
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < 16:
        return [], len(data)
    at = 16 + int.from_bytes(data[12:16], "little") + 8
    begin, records = at, []
    while at + 16 <= len(data) and data[at:at + 4] == b"ErsR":
        length = int.from_bytes(data[at + 4:at + 8], "little")
        end = at + 8 + length + 8
        if end > len(data):
            break
        records.append((int.from_bytes(data[at + 8:at + 16], "little"), end))
        at = end
    return records, begin


chance = random.Random(2026)
