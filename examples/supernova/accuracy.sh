#!/usr/bin/env bash
# How well spectra are learnt, from several designs, on fresh simulations (a Latin hypercube of 1000):
#
#   examples/supernova/accuracy.sh SIMULATOR N SEEDS FOLDER [options of ersatz train]
#   examples/supernova/accuracy.sh supernova 300 "1 2 3" accuracy --recipe examples/supernova/spectrum.toml
#
# One line for each seed of the (Sobol') design: relative L2 error, median / 95 %, and how much the error bars for 68 % and
# 95 % cover. Simulations that are in FOLDER are used again. FRESH (in the environment) is the seed of the fresh ones.
set -euo pipefail
if [ $# -lt 4 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
simulator=$1 n=$2 seeds=$3 folder=$4 fresh=${FRESH:-1000}
shift 4
ersatz=${ERSATZ:-$(cd "$(dirname "$0")/../.." && pwd)/build/release/bin/ersatz}
command -v "$ersatz" >/dev/null || {
  echo "accuracy.sh: no program at $ersatz. Build it (cmake --preset release && cmake --build --preset release)," \
       "or name it in the variable ERSATZ." >&2
  exit 1
}
mkdir -p "$folder"

# simulations NAME METHOD N SEED: a design and its simulations, NAME.csv and NAME.h5.
simulations() {
  [ ! -e "$folder/$1.h5" ] || return 0
  "$ersatz" design --simulator "$simulator" --method "$2" -n "$3" --seed "$4" -o "$folder/$1.csv" --quiet --force
  "$ersatz" simulate --simulator "$simulator" --design "$folder/$1.csv" -o "$folder/$1.part.h5" --quiet --force
  mv "$folder/$1.part.h5" "$folder/$1.h5"
} >>"$folder/log"
# number KEY: the first number under that key of the validation.
number() { tr -d '\n' <"$folder/validation.json" | sed -n "s/.*\"$1\" *: *\(-\{0,1\}[0-9][-+0-9.eE]*\).*/\1/p"; }

simulations "$simulator-fresh-$fresh" lhs 1000 "$fresh"
for seed in $seeds; do
  simulations "$simulator-$n-$seed" sobol "$n" "$seed"
  "$ersatz" train "$folder/$simulator-$n-$seed.h5" -o "$folder/model.h5" --test-fraction 0 --quiet --force "$@" \
    >>"$folder/log"
  "$ersatz" validate "$folder/model.h5" "$folder/$simulator-fresh-$fresh.h5" --json --quiet >"$folder/validation.json"
  awk -v who="$simulator, $n simulations, seed $seed" -v a="$(number median_relative_l2)" \
    -v b="$(number p95_relative_l2)" -v c="$(number coverage_68)" -v d="$(number coverage_95)" \
    'BEGIN { printf "%-42s %8.1e / %8.1e  covered %.0f %% / %.0f %%\n", who, a, b, 100 * c, 100 * d }'
done
