"""Faults that the simulation farm survives. Each story gets the program and whether it may take long, and returns
(count, what happened); it raises Trouble when that must not be."""

import os
import shutil
import signal
import subprocess
import time

from .tools import Campaign, chance, claim, kill_all, kill_all_and_wait, ranks_of, records_in, send, wait_for


def killed(program, ranks, runs, kills):
    """Kills at random moments until `kills` of them hit. Ranks whose launcher was killed may go on to the end of the
    campaign: then there is another one."""
    campaigns = hits = refused = again = 0
    kinds = {"one rank": 0, "the launcher": 0, "all at once": 0}
    while hits < kills:
        campaigns += 1
        claim(campaigns <= 20, f"only {hits} kills hit in 20 campaigns")
        hit, refusals, repeated = one_killed(program, ranks, runs, kills - hits, kinds)
        hits, refused, again = hits + hit, refused + refusals, again + repeated
    how = ", ".join(f"{n} {kind}" for kind, n in kinds.items() if n)
    of = f"{campaigns} campaigns of " if campaigns > 1 else ""
    return hits, (f"{of}{runs} runs, {hits} kills ({how}): each run once in the archive, results as undisturbed; {again} "
                  f"runs that were in flight ran again; {refused} restarts refused while orphans lived")


def one_killed(program, ranks, runs, kills, kinds):
    """Kills a rank, the launcher, or everything, at most `kills` times; then goes on to the end. Counts in `kinds`."""
    if os.path.exists("sims.h5"):
        os.remove("sims.h5")
    campaign = Campaign(program, runs, modes=(0.5,))
    lives = hits = refused = 0
    done_before = set()
    while True:
        process = campaign.start(ranks, *(["--resume"] if lives or refused else []))
        begun = len(campaign.begun())
        left = runs - len(done_before)
        goal = begun + chance.randint(1, max(1, left // (2 * max(kills - hits, 1))))
        alive = hits < kills and wait_for(lambda: len(campaign.begun()) >= goal, process)
        if alive:
            pids = ranks_of(process) if ranks else [process.pid]
            kind = chance.choice(list(kinds)) if ranks else "all at once"
            if kind == "one rank" and pids:
                hit = send(chance.choice(pids), signal.SIGKILL)
            elif kind == "the launcher":
                hit = send(process.pid, signal.SIGKILL)
            else:
                hit = process.poll() is None
                kill_all(process, ranks)
            if hit:
                hits += 1
                kinds[kind] += 1
        try:
            _, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            # Open MPI's ranks may wait for ever when the launcher dies while they start.
            claim(alive and kind == "the launcher", "ranks live on after one was killed")
            for pid in pids:
                send(pid, signal.SIGKILL)
            _, errors = process.communicate()
        if "another process" in errors:  # the launcher is gone, its ranks are not yet
            refused += 1
            time.sleep(0.05)
            claim(refused < 50 * (hits + 1), "orphaned ranks never end")
            continue
        lives += 1
        kept = set()
        for log in campaign.logs():
            kept.update(row for row, _ in records_in(log)[0])
        claim(done_before <= kept or os.path.exists(campaign.archive), "a finished run was lost")
        done_before |= kept
        if process.returncode == 0:
            break
        claim(alive, f"it does not go on: {errors[-400:]}")
    begun = campaign.begun()
    again = len(begun) - len(set(begun))
    claim(again <= hits * max(ranks, 1) + refused * max(ranks, 1), f"{again} runs were repeated, {hits} kills")
    campaign.check_archive()
    return hits, refused, again


def kills_one_process(program, slow):
    """SIGKILL, one process"""
    return killed(program, 0, *((2000, 200) if slow else (60, 6)))


def kills_two_ranks(program, slow):
    """SIGKILL of a rank, the launcher or all, 2 ranks"""
    return killed(program, 2, *((2000, 200) if slow else (60, 6)))


def kills_four_ranks(program, slow):
    """SIGKILL of a rank, the launcher or all, 4 ranks"""
    return killed(program, 4, *((2000, 200) if slow else (60, 4)))


def other_number_of_ranks(program, slow):
    """killed on 4 ranks, resumed on 2, killed, resumed on 1"""
    campaign = Campaign(program, 120, modes=(0.5,))
    for number, ranks in enumerate((4, 2, 0)):
        process = campaign.start(ranks, *(["--resume"] if number else []))
        if ranks == 0:
            claim(process.wait(timeout=60) == 0, "it does not end")
            break
        goal = len(campaign.begun()) + 40
        claim(wait_for(lambda: len(campaign.begun()) >= goal, process), "it had ended before")
        kill_all_and_wait(process, ranks)
        logs = len(campaign.logs())
        claim(logs >= 2, f"{logs} logs on {ranks} ranks")
    again = len(campaign.begun()) - 120
    claim(0 <= again <= 6, f"{again} runs were repeated")
    campaign.check_archive()
    return 2, f"all logs are read; {again} runs in flight ran again; no log is left"


def signals(program, slow):
    """SIGTERM and SIGUSR1 to the launcher, SIGUSR1 to one rank"""
    count, runs = 0, 40 if slow else 16
    for ranks in (1, 2, 4) if slow else (2, 4):
        for how in ("USR1 to the launcher", "TERM to the launcher", "USR1 to a rank"):
            for name in ("sims.h5", "go"):
                if os.path.exists(name):
                    os.remove(name)
            campaign = Campaign(program, runs, modes=[0] * 5 + [8] * (runs - 5))
            process = campaign.start(ranks)
            claim(wait_for(lambda: len(campaign.begun()) >= 5 + ranks, process), "it had ended before")
            target = process.pid if "launcher" in how else ranks_of(process)[-1]
            send(target, signal.SIGTERM if "TERM" in how else signal.SIGUSR1)
            if "rank" in how:  # the others are not told, and wait for what they have under way
                time.sleep(0.3)
                open("go", "w").close()
            _, errors = process.communicate(timeout=60)
            claim(process.returncode != 0, f"{how}: it went on to the end")
            if "USR1" in how:
                claim(process.returncode == 130, f"{how}, {ranks} ranks: status {process.returncode}, {errors[-300:]}")
            claim(not os.path.exists("sims.h5"), "an archive is there before the runs have ended")
            open("go", "w").close()
            result = campaign.run(ranks, "--resume")
            claim(result.returncode == 0, f"{how}: it does not go on", result)
            again = len(campaign.begun()) - runs
            # Commands under way are ended when the signal comes: they run again.
            claim(again <= ranks, f"{how}: {again} runs too many")
            campaign.check_archive()
            count += 1
    return count, "stopped (status 130 after SIGUSR1); --resume ran only what was under way"


def walltime(program, slow):
    """--walltime strikes"""
    count = 0
    for ranks in (0, 1, 2, 4) if slow else (0, 2):
        if os.path.exists("sims.h5"):
            os.remove("sims.h5")
        runs = 10 * max(ranks, 1)
        campaign = Campaign(program, runs, modes=(6,))
        begin = time.monotonic()
        result = campaign.run(ranks, "--walltime", "1.0", "--json")
        claim(result.returncode == 0 and '"walltime"' in result.stdout, f"{ranks} ranks", result)
        claim(time.monotonic() - begin < 20.0, "it has overstayed")
        done = len(campaign.begun())
        claim(0 < done < runs, f"{done} of {runs} runs in 1 s")
        result = campaign.run(ranks, "--resume")
        claim(result.returncode == 0 and len(campaign.begun()) == runs, f"{len(campaign.begun())} runs for {runs}", result)
        campaign.check_archive()
        count += 1
    return count, "stops before, status 0; --resume runs the rest, nothing twice"


def bad_simulators(program, slow):
    """simulators that hang, crash, print garbage, write nothing, say that they failed"""
    modes = (0, 1, 0, 2, 3, 0, 4, 5)
    runs = 40 if slow else 16
    count = 0
    for ranks in (1, 2, 4):
        if os.path.exists("sims.h5"):
            os.remove("sims.h5")
        campaign = Campaign(program, runs, modes=modes)
        result = campaign.run(ranks, "--timeout", "1", "--json")
        claim(result.returncode == 4, f"{ranks} ranks", result)
        for reason in ("not finished after 1 s", "signal 11", "no output file", "exit status 3; it said: it diverged"):
            claim(reason in result.stdout, f"no reason like '{reason}' in {result.stdout[:800]}")
        good = [modes[i % len(modes)] == 0 for i in range(runs)]
        import numpy as np
        campaign.check_archive(done=np.array(good))
        count += runs - sum(good)
    return count, "each failed run is recorded with its reason, all others are done; status 4"


def full_disk(program, slow):
    """a simulator fills the disk on which the run logs stand"""
    os.mkdir("small")
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "small"], capture_output=True).returncode == 0
    if not mounted:
        return 0, "skipped: a small file system can only be mounted by root"
    count = 0
    try:
        for ranks in (1, 2, 4):
            campaign = Campaign(program, 60, modes=[0] * 20 + [7] + [0] * 39, archive="small/sims.h5")
            campaign.environment.update(FULL=os.path.abspath("small/full"), WIDE=",0" * 500)
            result = campaign.run(ranks)
            claim(result.returncode == 1 and "full" in result.stderr, f"{ranks} ranks on a full disk", result)
            claim(result.stderr.count("ersatz: ") == 1, "more than one message", result)
            said = result.stderr
            before = len(campaign.begun())
            os.remove("small/full")
            kept = sum(len(records_in(log)[0]) for log in campaign.logs())
            claim(before - kept <= 2 * ranks, f"{before} runs, {kept} kept")
            campaign.environment["FULL"] = "/dev/null"
            with open("sim.sh") as f:
                script = f.read()
            with open("sim.sh", "w") as f:
                f.write(script.replace("cat /dev/zero", "true"))
            result = campaign.run(ranks, "--resume")
            claim(result.returncode == 0, "it does not go on", result)
            campaign.check_archive()
            os.remove("small/sims.h5")
            count += 1
    finally:
        subprocess.run(["umount", "small"], check=True)
    return count, f"all ranks end, status 1; --resume loses nothing that was stored. {said[:200]}"


def truncated_logs(program, slow):
    """a run log truncated at any byte"""
    campaign = Campaign(program, 16)
    process = campaign.start(2)
    claim(wait_for(lambda: len(campaign.begun()) >= 12, process), "it had ended before")
    kill_all_and_wait(process, 2)
    wait_for(lambda: not campaign.at_work())  # what it writes to the ledger is not of the runs below
    logs = campaign.logs()
    shutil.copytree(".", "../kept")
    cuts = []
    for log in logs:
        size = os.path.getsize(log)
        ends = [end for _, end in records_in(log)[0]]
        every = range(size + 1) if slow else sorted(
            {0, 1, 8, 15, 16, records_in(log)[1] - 1, records_in(log)[1], size, *ends[:2], *(e - 1 for e in ends[:2]),
             *(chance.randrange(size) for _ in range(12))})
        cuts += [(log, cut) for cut in every]
    recovered = 0
    for number, (log, cut) in enumerate(cuts):
        for other in logs:
            shutil.copy(os.path.join("../kept", os.path.basename(other)), other)
        records, begin = records_in(log)
        os.truncate(log, cut)
        intact = sum(end <= cut for _, end in records)
        others = sum(len(records_in(other)[0]) for other in logs if other != log)
        open("ledger", "w").close()
        ranks = 2 if number % 50 == 0 else 0
        result = campaign.run(ranks, "--resume")
        claim(result.returncode == 0, f"{os.path.basename(log)} cut at {cut}", result)
        ran = len(campaign.begun())
        claim(ran == 16 - intact - others,
              f"cut at {cut}: {intact} + {others} runs are intact, {ran} ran again: {sorted(campaign.begun())}")
        campaign.check_archive()
        os.remove(campaign.archive)
        recovered += intact + others
    shutil.rmtree("../kept")
    return len(cuts), f"{recovered} intact runs recovered, none of them ran again; the rest did"


def two_farms(program, slow):
    """two farms on the same archive"""
    count = 0
    for ranks in (1, 2, 4) if slow else (2,):
        for name in ("sims.h5", "go"):
            if os.path.exists(name):
                os.remove(name)
        campaign = Campaign(program, 40, modes=[0] * 10 + [8] * 30)
        first = campaign.start(ranks)
        claim(wait_for(lambda: len(campaign.begun()) >= 10 + ranks, first), "it had ended before")
        for more in ([], ["--resume"], ["--force"]):
            for second_ranks in (0, 2):
                second = campaign.run(second_ranks, *more)
                claim(second.returncode == 2, f"the second was not refused ({more})", second)
                claim(second.stderr.count("ersatz: ") == 1 and "sims.h5" in second.stderr, "not one message", second)
                count += 1
        open("go", "w").close()
        claim(first.wait(timeout=60) == 0, "the first did not finish")
        claim(len(campaign.begun()) == 40, f"{len(campaign.begun())} runs for 40")
        campaign.check_archive()
    return count, f"refused, said once: {second.stderr[:160]}"


def a_rank_that_throws(program, slow):
    """a rank that cannot write its log"""
    count = 0
    for ranks, bad in ((2, 1), (4, 1), (4, 3)):
        if os.path.exists("sims.h5"):
            os.remove("sims.h5")
        campaign = Campaign(program, 200, modes=[0, 9] + [6] * 8 + [0] * 190)
        campaign.environment["SPOIL"] = f"sims.h5.log.{bad}"
        result = campaign.run(ranks)
        claim(result.returncode == 1, f"rank {bad} of {ranks}", result)
        claim(result.stderr.count("ersatz: ") == 1 and f"sims.h5.log.{bad}'" in result.stderr, "not one message", result)
        said = result.stderr
        os.rmdir(f"sims.h5.log.{bad}")
        result = campaign.run(ranks, "--resume")
        claim(result.returncode == 0, "it does not go on", result)
        claim(len(campaign.begun()) - 200 <= ranks, f"{len(campaign.begun())} runs for 200")
        campaign.check_archive()
        count += 1
    return count, f"all ranks end with its message, status 1: {said[:160]}"


def ranks_disagree(program, slow):
    """one rank reads another design, or none"""
    count = 0
    for ranks, bad in ((2, 1), (4, 2)):
        campaign = Campaign(program, 12)
        with open("design.csv") as f:
            lines = f.readlines()
        with open("longer.csv", "w") as f:
            f.writelines([*lines, "99,0\n"])
        with open("other.csv", "w") as f:
            f.writelines([*lines[:-1], "10.5,0\n"])
        for name, word in (("longer", "design"), ("other", "design"), ("missing", "missing.csv")):
            with open("wrap.sh", "w") as f:
                f.write(f'rank=${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}\n[ "$rank" != {bad} ] || '
                        f'set -- "${{@/design.csv/{name}.csv}}"\nexec "$@"\n')
            result = campaign.run(ranks, command=["bash", "wrap.sh", *campaign.call()])
            claim(result.returncode == 2 and word in result.stderr and f"rank {bad}" in result.stderr,
                  f"{name} on rank {bad} of {ranks}", result)
            claim(result.stderr.count("ersatz: ") == 1, "not one message", result)
            claim(not campaign.logs() and not os.path.exists("sims.h5"), "files were made")
            said = result.stderr if name == "other" else said if count else ""
            count += 1
    return count, f"status 2, said once, nothing is made: {said[:200]}"


def killed_while_joining(program, slow):
    """killed after the archive was written, before all logs were deleted"""
    campaign = Campaign(program, 20)
    process = campaign.start(2)
    claim(wait_for(lambda: len(campaign.begun()) >= 15, process), "it had ended before")
    kill_all_and_wait(process, 2)
    count = 0
    # One rank runs the rest: its log, kept from the moment before deletion, is the last that there is.
    result = campaign.run(0, "--resume")
    claim(result.returncode == 0, "it does not go on", result)
    shutil.copy("sims.h5", "whole.h5")
    begun = len(campaign.begun())
    # Logs as they were before deletion: made anew by stopping a copy at its end is not possible from outside, so the
    # log of a campaign that is stopped just before its end takes their place, with the archive that contains it.
    os.remove("sims.h5")
    process = campaign.start(2)
    claim(wait_for(lambda: sum(len(records_in(log)[0]) for log in campaign.logs()) >= 17, process), "too late")
    kill_all_and_wait(process, 2)
    os.mkdir("saved")
    for log in campaign.logs():
        shutil.copy2(log, "saved")
    result = campaign.run(2, "--resume")
    claim(result.returncode == 0, "it does not go on", result)
    shutil.copy2("sims.h5", "whole.h5")
    for left in (["sims.h5.log"], ["sims.h5.log", "sims.h5.log.1"]):
        for name in left:
            if os.path.exists(os.path.join("saved", name)):
                shutil.copy2(os.path.join("saved", name), name)
        begun = len(campaign.begun())
        for ranks in (0, 2):
            result = campaign.run(ranks, "--resume")
            claim(result.returncode == 0, "a finished campaign is not taken", result)
            claim(len(campaign.begun()) == begun, "runs were repeated")
            campaign.check_archive()
            count += 1
        with open("sims.h5", "rb") as a, open("whole.h5", "rb") as b:
            claim(a.read() == b.read(), "the archive has changed")
    return count, "--resume deletes what is left, runs nothing"


def stories():
    return [kills_one_process, kills_two_ranks, kills_four_ranks, other_number_of_ranks, killed_while_joining, signals,
            walltime, bad_simulators, full_disk, truncated_logs, two_farms, a_rank_that_throws, ranks_disagree]
