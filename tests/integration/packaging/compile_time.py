#!/usr/bin/env python3
"""What it costs a user to include the public regression headers.

    compile_time.py COMPILER SOURCE_FOLDER INCLUDE_FOLDERS(;-separated)

Compiles a file that includes all of include/ersatz/regression, and one that includes Eigen/Core alone, which nobody
who passes matrices gets around. Fails above 3 seconds of CPU, unless this machine is so slow (or so busy) that
Eigen/Core alone takes 40 % of that.
"""
import pathlib
import resource
import subprocess
import sys
import tempfile

LIMIT = 3.0


def seconds(compiler, folders, text, folder):
    source = pathlib.Path(folder, "unit.cpp")
    source.write_text(text)
    command = [compiler, "-std=c++17", "-O2", "-c", str(source), "-o", str(source.with_suffix(".o"))]
    best = float("inf")
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command + [f"-I{f}" for f in folders], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main():
    compiler, source, folders = sys.argv[1], pathlib.Path(sys.argv[2]), [f for f in sys.argv[3].split(";") if f]
    include = source / "include"
    headers = sorted(h.relative_to(include) for h in (include / "ersatz" / "regression").rglob("*.hpp"))
    if not headers:
        sys.exit(f"compile_time.py: no headers in {include}/ersatz/regression")
    with tempfile.TemporaryDirectory() as folder:
        ours = seconds(compiler, [include, *folders], "".join(f'#include "{h}"\n' for h in headers), folder)
        eigen = seconds(compiler, folders, "#include <Eigen/Core>\n", folder)
    print(f"{len(headers)} public regression headers: {ours:.2f} s of CPU; Eigen/Core alone: {eigen:.2f} s")
    if ours > LIMIT and ours > 2.5 * eigen:
        sys.exit(f"compile_time.py: {ours:.2f} s is more than {LIMIT} s")


main()
