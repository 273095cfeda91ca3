#!/usr/bin/env python3
"""Checks of built files; each command says what it wants.

    check.py light LIBRARY                     the evaluation library drags in nothing heavy
    check.py blas PROGRAM LIBRARY OPENBLAS     BLAS and LAPACK calls of LIBRARY, in PROGRAM, end in OpenBLAS
    check.py binds PROGRAM LIBRARY SYMBOL TARGET  what LIBRARY, in PROGRAM, calls SYMBOL is that of TARGET
    check.py hidden LIBRARY                    the C++ library exports what is its own
    check.py abi LIBRARY LIST HEADER           LIBRARY exports the functions and versions of LIST, which HEADER declares
    check.py flags COMPILE_COMMANDS            nothing is compiled for the machine that builds
    check.py one-definition OBJECT...          code for one instruction set stays in its own functions
    check.py no-paths PREFIX SOURCE_DIR        installed files know nothing of where they were built
"""
import json
import os
import re
import subprocess
import sys

HEAVY = ("mpi", "ceres", "tomlplusplus", "glog", "gflags", "boost", "blas", "lapack", "atlas", "cholmod", "fmt", "spdlog")


def output(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", path))


def light(library):
    direct = needed(library)
    everything = [os.path.basename(line.split()[0]) for line in output("ldd", library).splitlines()]
    print("needs:", ", ".join(direct))
    assert any("hdf5_serial" in name for name in direct) or not direct_hdf5_use(library), "HDF5 is not the serial one"
    heavy = [name for name in direct + everything if any(word in name.lower() for word in HEAVY)]
    assert not heavy, f"{library} drags in {sorted(set(heavy))}"


def direct_hdf5_use(library):
    return any(name.startswith("H5") for name in undefined(library))


def undefined(path):
    return {line.split()[-1].split("@")[0] for line in output("nm", "-D", "--undefined-only", path).splitlines()}


def defined(path):
    return {line.split()[-1].split("@")[0] for line in output("nm", "-D", "--defined-only", path).splitlines()}


def hidden(library):
    names = [line.split(maxsplit=2)[2] for line in output("nm", "-DC", "--defined-only", library).splitlines()]
    foreign = [name for name in names if "ersatz" not in name]
    assert len(names) > 100 and not foreign, f"{library} exports {foreign[:10]}"
    print(f"{len(names)} symbols, all of the library's own")


def abi(library, expected, header):
    """What programs in C and Fortran were linked to must stay; what is new gets a version of its own."""
    lines = [line.split() for line in output("nm", "-D", "--defined-only", library).splitlines()]
    found = {name.replace("@@", "@") for _, kind, name in lines if kind != "A"}
    with open(expected, encoding="utf-8") as file:
        wanted = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    assert found == wanted, f"gone: {sorted(wanted - found)}; not in {expected}: {sorted(found - wanted)}"
    with open(header, encoding="utf-8") as file:
        declared = set(re.findall(r"^[a-z][^;(]*\b(ersatz_\w+)\(", file.read(), re.MULTILINE))
    names = {name.split("@")[0] for name in found}
    assert declared == names, f"declared and not exported, or the other way round: {sorted(declared ^ names)}"
    soname = re.findall(r"\(SONAME\).*\[(.+)\]", output("readelf", "-d", library))
    assert soname == ["libersatz_c.so.1"], soname
    print(f"{len(found)} functions, as listed and declared; {soname[0]}")


def bindings(program, library):
    """Where the loader finds the symbols that a library calls, in a program that it starts."""
    environment = dict(os.environ, LD_DEBUG="bindings", LD_BIND_NOW="1")
    log = subprocess.run([program], text=True, capture_output=True, env=environment, check=True).stderr
    found = re.findall(r"binding file (\S+) \[0\] to (\S+) \[0\]: normal symbol `(\w+)'", log)
    library = os.path.realpath(library)
    return {name: os.path.realpath(target) for source, target, name in found if os.path.realpath(source) == library}


def blas(program, library, openblas):
    openblas = os.path.realpath(openblas)
    fortran = re.compile(r"[a-z][a-z0-9]*_$")
    wanted = {name for name in undefined(library) & defined(openblas) if fortran.match(name)}
    assert "dgemm_" in wanted, f"{library} does not call dgemm_ at all: what is tested here?"
    bound = {name: target for name, target in bindings(program, library).items() if name in wanted}
    assert set(bound) == wanted, f"not bound at all: {sorted(wanted - set(bound))}"
    astray = {name: target for name, target in bound.items() if target != openblas}
    assert not astray, f"not from {openblas}: {astray}"
    print(f"{len(bound)} symbols come from {openblas}: {', '.join(sorted(bound))}")


def binds(program, library, symbol, target):
    found = bindings(program, library).get(symbol)
    assert found == os.path.realpath(target), f"{symbol} of {library} is that of {found}, not of {target}"
    print(f"{symbol} comes from {target}")


def flags(path):
    with open(path, encoding="utf-8") as file:
        commands = json.load(file)
    assert commands
    for entry in commands:
        words = entry["command"].split()
        native = [word for word in words if re.match(r"-m(arch|tune|cpu)=", word)]
        assert not native, f"{entry['file']}: {native}"
        machine = [word for word in words if word.startswith("-m")]
        if machine:
            name = os.path.basename(entry["file"])
            assert re.match(r".*_(avx2|avx512)\.cpp$", name), f"{entry['file']} is compiled with {machine}"
    print(f"{len(commands)} sources are compiled for any machine of the kind")


def one_definition(*objects):
    """A weak function from an object compiled for AVX-512 may be the one that the linker keeps for all."""
    special = [path for path in objects if re.search(r"_(avx2|avx512)\.cpp\.o(bj)?$", path)]
    for path in special:
        weak = [line for line in output("nm", "-C", "--defined-only", path).splitlines()
                if re.match(r"[0-9a-f]+ [WwVvu] ", line)]
        assert not weak, f"{path} defines functions that others may get: {weak}"
    print(f"{len(special)} objects for single instruction sets define no weak symbols")


def no_paths(prefix, source_dir):
    count = 0
    for folder, _, files in os.walk(prefix):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            count += 1
            with open(path, "rb") as file:
                content = file.read()
            for place in {source_dir, os.path.realpath(source_dir)}:
                assert place.encode() + b"/" not in content, f"{path} holds the path {place}"
            if content.startswith(b"\x7fELF"):
                runpath = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", output("readelf", "-d", path))
                for entry in ":".join(runpath).split(":"):
                    assert not entry or entry.startswith("$ORIGIN"), f"{path} searches libraries in {entry}"
                lost = [line for line in output("ldd", path).splitlines() if "not found" in line]
                assert not lost, f"{path}: {lost}"
    assert count > 0, f"nothing is installed in {prefix}"
    print(f"{count} installed files hold no path of the build")


COMMANDS = {"light": light, "hidden": hidden, "abi": abi, "blas": blas, "binds": binds, "flags": flags, "one-definition": one_definition,
            "no-paths": no_paths}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except AssertionError as problem:
        sys.exit(f"check.py {sys.argv[1]}: {problem}")
