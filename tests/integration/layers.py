#!/usr/bin/env python3
"""Checks that includes follow the house plan.

A folder may include from rows below its own, never from beside or above; no header includes itself through
others; only parallel/ and the drivers see mpi.h; public headers need Eigen and the standard library only.

    layers.py SOURCE_DIR     status 1 and a list when something breaks the plan
    layers.py --self-test    checks the checker
"""
import os
import re
import sys
import tempfile

# From the bottom up; regression/gp is part of regression.
ROWS = [
    ["core"],
    ["storage"],
    ["basis", "regression", "transform", "design", "simulators"],
    ["emulator"],
    ["selection", "acquisition"],
    ["campaign", "inference"],
    ["parallel"],
    ["drivers", "examples", "bindings"],
]
ROW = {folder: row for row, folders in enumerate(ROWS) for folder in folders}
MPI_FOLDERS = {"parallel", "drivers"}
PUBLIC_FOREIGN = {"Eigen"}
EXTENSIONS = (".hpp", ".h", ".cpp", ".c", ".cc", ".inc")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def sources(top):
    for base in ("include", "lib", "drivers"):
        for folder, subfolders, files in os.walk(os.path.join(top, base)):
            subfolders.sort()
            for name in sorted(files):
                if name.endswith(EXTENSIONS):
                    yield os.path.relpath(os.path.join(folder, name), top)


def folder_of(path):
    """The folder of the house that a file of ours stands in; None for headers outside of all of them."""
    parts = path.split("/")
    if parts[:2] == ["include", "ersatz"]:
        return parts[2] if len(parts) > 3 else None
    if parts[0] == "lib":
        return parts[1] if len(parts) > 2 else None
    return parts[0]


def resolve(top, path, target):
    """The file of ours that an include means, or None for one of others."""
    for candidate in (os.path.join(os.path.dirname(path), target), os.path.join("include", target),
                      os.path.join("lib", target)):
        candidate = os.path.normpath(candidate)
        if os.path.isfile(os.path.join(top, candidate)):
            return candidate
    return None


def row_of(path, graph):
    """The row of a file; a header outside of all folders stands as high as what it includes."""
    folder = folder_of(path)
    if folder is not None:
        return ROW.get(folder, len(ROWS))
    seen, todo, row = {path}, [path], -1
    while todo:
        for other in graph.get(todo.pop(), []):
            row = max(row, ROW.get(folder_of(other), -1))
            if folder_of(other) is None and other not in seen:
                seen.add(other)
                todo.append(other)
    return row


def cycles(graph):
    found, state, stack = [], {}, []

    def visit(node):
        state[node] = "open"
        stack.append(node)
        for other in graph.get(node, []):
            if state.get(other) == "open":
                found.append(" -> ".join(stack[stack.index(other):] + [other]))
            elif other not in state:
                visit(other)
        stack.pop()
        state[node] = "done"

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return found


def check(top):
    problems, graph, uses, count = [], {}, [], 0
    for path in sources(top):
        count += 1
        folder = folder_of(path)
        if folder is not None and folder not in ROW:
            problems.append(f"{path}: folder '{folder}' has no row in the house plan (add it to ROWS)")
            continue
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), file.read())
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            quote, target = match.groups()
            where = f"{path}:{line}: includes {target}"
            inner = resolve(top, path, target)
            if inner is None:
                if target in ("mpi.h", "mpi.hpp") and folder not in MPI_FOLDERS:
                    problems.append(f"{where}, which only {' and '.join(sorted(MPI_FOLDERS))} may see")
                elif quote == '"':
                    problems.append(f"{where}, which is neither in include/ nor in lib/ nor beside it")
                elif path.startswith("include/") and folder != "parallel" and (
                        target.split("/")[0] not in PUBLIC_FOREIGN and re.search(r"[/.]", target)):
                    problems.append(f"{where}: public headers need Eigen and the standard library only")
                continue
            graph.setdefault(path, []).append(inner)
            if path.startswith("include/") and not inner.startswith("include/"):
                problems.append(f"{where}, which is not installed with the public headers")
            uses.append((where, path, inner))
    for where, path, inner in uses:
        folder, other = folder_of(path), folder_of(inner)
        if folder is None or other == folder:
            continue
        row = row_of(inner, graph)
        if row >= ROW[folder]:
            side = "beside" if row == ROW[folder] else "above"
            problems.append(f"{where}: {other or inner} stands {side} {folder}")
    problems += [f"include cycle: {cycle}" for cycle in cycles(graph)]
    return problems, count


def self_test():
    files = {
        "include/ersatz/core/a.hpp": "#include <vector>\n#include <Eigen/Core>\n",
        "include/ersatz/core/bad.hpp": "#include <boost/foo.hpp>\n",
        "include/ersatz/core/up.hpp": '/* "\n */\n#include "ersatz/storage/s.hpp"\n',
        "include/ersatz/storage/s.hpp": '#include "ersatz/core/a.hpp"\n// #include <mpi.h>\n',
        "include/ersatz/storage/private.hpp": '#include "storage/detail.hpp"\n',
        "include/ersatz/basis/b.hpp": '#include "ersatz/regression/r.hpp"\n',
        "include/ersatz/regression/r.hpp": '#include "ersatz/regression/gp/g.hpp"\n',
        "include/ersatz/regression/gp/g.hpp": '#include "ersatz/regression/r.hpp"\n',
        "include/ersatz/parallel/p.hpp": "#include <mpi.h>\n",
        "include/ersatz/version.hpp": "",
        "include/ersatz/all.hpp": '#include "ersatz/version.hpp"\n#include "ersatz/storage/s.hpp"\n',
        "lib/core/a.cpp": '#include "ersatz/version.hpp"\n#include "ersatz/all.hpp"\n',
        "lib/basis/b.cpp": '#include "ersatz/all.hpp"\n',
        "lib/storage/detail.hpp": "#include <hdf5.h>\n",
        "lib/storage/m.cpp": '#include "detail.hpp"\n#  include <mpi.h>\n#include "nowhere.hpp"\n',
        "lib/attic/x.cpp": "",
        "drivers/d.cpp": '#include "ersatz/parallel/p.hpp"\n#include <mpi.h>\n',
    }
    expected = [
        "core/bad.hpp:1", "core/up.hpp:3: includes ersatz/storage/s.hpp: storage stands above core",
        "storage/private.hpp:1", "basis/b.hpp:1: includes ersatz/regression/r.hpp: regression stands beside",
        "include cycle: include/ersatz/regression/", "storage/m.cpp:2: includes mpi.h", "storage/m.cpp:3",
        "'attic' has no row", "core/a.cpp:2: includes ersatz/all.hpp: include/ersatz/all.hpp stands above core",
    ]
    with tempfile.TemporaryDirectory() as top:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                file.write(text)
        problems, count = check(top)
    for text in expected:
        assert sum(text in problem for problem in problems) == 1, (text, problems)
    assert len(problems) == len(expected), problems
    assert count == len(files)
    print(f"{len(expected)} planted problems found, nothing else")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        sys.exit(0)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found, number = check(sys.argv[1])
    print("\n".join(found) if found else f"{number} files follow the house plan")
    sys.exit(1 if found or number == 0 else 0)
