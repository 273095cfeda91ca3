#!/usr/bin/env bash
# From a simulator to a validated emulator and its report, with the program alone:
#
#   examples/emulate.sh SIMULATOR N FOLDER [options of ersatz train]
#
# runs N simulations to train on and 200 fresh ones to validate on. Leaves in FOLDER: sims.h5, held-out.h5, model.h5,
# predictions.h5, report.html, validation.json, and seconds (of every step). A second call starts over.
# RANKS=4 in front of it: simulates, trains and predicts on 4 MPI ranks.
set -euo pipefail
if [ $# -lt 3 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
simulator=$1 n=$2 folder=$3
shift 3
fresh=200

root=$(cd "$(dirname "$0")/.." && pwd)
ersatz=${ERSATZ:-$root/build/release/bin/ersatz}
launch=()
[ -z "${RANKS:-}" ] || launch=("$root/tests/mpirun.sh" "$RANKS")
if ! command -v "$ersatz" >/dev/null; then
  echo "emulate.sh: no program at $ersatz. Build it (cmake --preset release && cmake --build --preset release)," \
       "or name it in the variable ERSATZ." >&2
  exit 1
fi
mkdir -p "$folder"
: >"$folder/seconds"

# step NAME ARGUMENTS…: runs the program, keeps and prints how long it took.
step() {
  local name=$1 begin seconds on=()
  shift
  case $1 in simulate | train | predict) on=("${launch[@]}") ;; esac
  begin=$(date +%s%N)
  "${on[@]}" "$ersatz" "$@" --quiet
  seconds=$(awk -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.2f", ns / 1e9 }')
  echo "$name $seconds" >>"$folder/seconds"
  printf '  %-16s %8s s\n' "$name" "$seconds" >&2
}

echo "$simulator: $n simulations to train on, $fresh fresh ones to validate on" >&2
{
  step design design --simulator "$simulator" --method sobol -n "$n" --seed 1 -o "$folder/design.csv" --force
  step simulate simulate --simulator "$simulator" --design "$folder/design.csv" -o "$folder/sims.h5" --force
  step design-fresh design --simulator "$simulator" --method lhs -n $fresh --seed 2 -o "$folder/fresh.csv" --force
  step simulate-fresh simulate --simulator "$simulator" --design "$folder/fresh.csv" -o "$folder/held-out.h5" --force
  step train train "$folder/sims.h5" -o "$folder/model.h5" --force "$@"
  step validate validate "$folder/model.h5" "$folder/held-out.h5" --json >"$folder/validation.json"
  step predict predict "$folder/model.h5" "$folder/fresh.csv" -o "$folder/predictions.h5" --force
  step report report "$folder/model.h5" --test "$folder/held-out.h5" -o "$folder/report.html" --force
} >"$folder/log"
