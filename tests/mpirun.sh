#!/usr/bin/env bash
# Runs a program on N ranks of this machine, however few cores it has: tests/mpirun.sh N program arguments…
# MPIRUN names another launcher than mpirun.
set -euo pipefail
ranks=${1:?"how many ranks"}
shift
launch=(${MPIRUN:-mpirun})
flags=()
if "${launch[0]}" --version 2>&1 | grep -q "Open MPI\|OpenRTE"; then
  flags=(--oversubscribe --bind-to none --mca btl_vader_single_copy_mechanism none)
  [ "$(id -u)" -ne 0 ] || flags+=(--allow-run-as-root)
  # With more ranks than cores, one that waits must let others run.
  [ "$ranks" -le "$(nproc)" ] || flags+=(--mca mpi_yield_when_idle 1)
fi
exec "${launch[@]}" "${flags[@]}" -n "$ranks" "$@"
