"""What the tests need of the distribution's Python packages."""
import importlib
import os
import sys


def need(*names):
    """Ends the script with status 77 (skipped) where a package is missing; to be called before importing any of them.

    The Python that CMake finds need not be the one that the distribution's packages belong to: that one is tried.
    """
    try:
        for name in names:
            importlib.import_module(name)
    except ImportError as missing:
        system = "/usr/bin/python3"
        if os.path.exists(system) and os.environ.get("ERSATZ_TRIED_PYTHON") != system:
            os.environ["ERSATZ_TRIED_PYTHON"] = system
            os.execv(system, [system, *sys.argv])
        print(f"skipped: {missing}; install {' and '.join('python3-' + name for name in names)}")
        sys.exit(77)
