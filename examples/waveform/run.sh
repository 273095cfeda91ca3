#!/usr/bin/env bash
# Surrogates of the waveforms of black holes, end to end, and how well and how fast they answer:
#
#   examples/waveform/run.sh [FOLDER] [options of ersatz]      default: waveform-output, here
#
# aligned        3 parameters,  300 simulations
# symmetry       7 parameters, 1500 simulations, with the rotational symmetry
# symmetry-375, symmetry-750   the same from the first of them: the learning curve
# no-symmetry    the same simulations, without it
# each scored on 500 fresh simulations; in seven parameters also on 500 with both spins of length 0.8, the longest.
# Mismatches are for flat noise, with nothing maximised over. A second call starts over; a few minutes on two cores.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
output=${1:-waveform-output}
[ $# -eq 0 ] || shift
options=("$@")
ersatz=${ERSATZ:-$here/../../build/release/bin/ersatz}
command -v "$ersatz" >/dev/null || {
  echo "run.sh: no program at $ersatz. Build it (cmake --preset release && cmake --build --preset release)," \
       "or name it in the variable ERSATZ." >&2
  exit 1
}
mkdir -p "$output"

quietly() { "$ersatz" "$@" "${options[@]}" --quiet --force >>"$output/log"; }

# simulations SIMULATOR NAME N METHOD SEED: a design and its simulations, NAME.csv and NAME.h5.
simulations() {
  quietly design --simulator "$1" --method "$4" -n "$3" --seed "$5" -o "$output/$2.csv"
  quietly simulate --simulator "$1" --design "$output/$2.csv" -o "$output/$2.h5"
}

# number FILE KEY: the last number under that key in a JSON file: of all modes together, where there are several.
number() { tr -d '\n' <"$1" | sed -n "s/.*\"$2\" *: *\(-\{0,1\}[0-9][-+0-9.eE]*\).*/\1/p"; }

# score MODEL HELD-OUT LABEL: a row of the table.
score() {
  local json=$output/$1-$2.json
  "$ersatz" validate "$output/$1.h5" "$output/$2.h5" --maximise none --json --quiet "${options[@]}" >"$json"
  awk -v label="$3" -v a="$(number "$json" mismatch_median)" -v b="$(number "$json" mismatch_p95)" \
    -v c="$(number "$json" coverage_68)" -v t="$(number "$json" predict_us)" \
    'BEGIN { printf "%-34s %9.1e %9.1e %12.0f %%  %8.0f us\n", label, a, b, 100 * c, t }'
}

: >"$output/log"
echo "Simulations" >&2
simulations waveform-aligned aligned-train 300 sobol 1
simulations waveform-aligned aligned-fresh 500 lhs 7
simulations waveform train 1500 sobol 1
simulations waveform fresh 500 lhs 7
for n in 375 750; do
  head -n $((n + 1)) "$output/train.csv" >"$output/train-$n.csv"
  quietly simulate --simulator waveform --design "$output/train-$n.csv" -o "$output/train-$n.h5"
done
# Directions of another design, each spin as long as it may be.
quietly design --simulator waveform --method lhs -n 500 --seed 8 -o "$output/longest.csv"
awk -F, -v OFS=, 'NR > 1 {
  for (k = 2; k <= 5; k += 3) {
    s = 0.8 * (1 - 1e-12) / sqrt($k * $k + $(k + 1) * $(k + 1) + $(k + 2) * $(k + 2))
    for (j = k; j < k + 3; ++j) $j = sprintf("%.17g", $j * s)
  }
} { print }' "$output/longest.csv" >"$output/longest.tmp"
mv "$output/longest.tmp" "$output/longest.csv"
quietly simulate --simulator waveform --design "$output/longest.csv" -o "$output/longest.h5"

for model in aligned symmetry-375 symmetry-750 symmetry no-symmetry; do
  echo "Training: $model" >&2
  data=train recipe=recipe.toml
  case $model in
    aligned) data=aligned-train recipe=recipe-aligned.toml ;;
    symmetry-*) data=train-${model#symmetry-} ;;
    no-symmetry) recipe=recipe-no-symmetry.toml ;;
  esac
  quietly train "$output/$data.h5" --recipe "$here/$recipe" -o "$output/$model.h5"
done

printf '%-34s %9s %9s %14s %11s\n' "mismatch, flat, nothing maximised" median "95 %" "68 % covers" "waveform"
score aligned aligned-fresh "aligned, 300"
for n in 375 750; do
  score symmetry-$n fresh "precessing, $n, symmetry"
  score symmetry-$n longest "  both spins 0.8"
done
score symmetry fresh "precessing, 1500, symmetry"
score symmetry longest "  both spins 0.8"
score no-symmetry fresh "precessing, 1500, no symmetry"
score no-symmetry longest "  both spins 0.8"
