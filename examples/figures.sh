#!/usr/bin/env bash
# Prints the figures of folders that emulate.sh filled, side by side:
#
#   examples/figures.sh FOLDER…
set -euo pipefail
if [ $# -lt 1 ]; then
  sed -n '2,4s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi

# number FILE KEY: the first number under that key in a JSON file (null: nothing).
number() {
  tr -d '\n' <"$1" | sed -n "s/.*\"$2\" *: *\(-\{0,1\}[0-9][-+0-9.eE]*\).*/\1/p"
}
# show FORMAT EXPRESSION NUMBER…: an awk expression of the numbers, or – where one is missing.
show() {
  local format=$1 expression=$2 value
  shift 2
  for value in "$@"; do
    [ -n "$value" ] || { printf -- '-'; return; }
  done
  awk -v a="${1:-}" -v b="${2:-}" "BEGIN { printf \"$format\", $expression }"
}
row() {
  printf '%-34s' "$1"
  shift
  printf ' %22s' "$@"
  printf '\n'
}

names=() l2=() mismatch=() coverage=() single=() batch=() simulator=() speedup=() training=() total=()
for folder in "$@"; do
  json=$folder/validation.json
  [ -r "$json" ] || { echo "figures.sh: $json is missing: run examples/emulate.sh first" >&2; exit 1; }
  names+=("$(basename "$folder")")
  l2+=("$(show '%.1e / %.1e' 'a, b' "$(number "$json" median_relative_l2)" "$(number "$json" p95_relative_l2)")")
  mismatch+=("$(show '%.1e / %.1e' 'a, b' "$(number "$json" mismatch_median)" "$(number "$json" mismatch_p95)")")
  coverage+=("$(show '%.1f %% / %.1f %%' '100 * a, 100 * b' \
                "$(number "$json" coverage_68)" "$(number "$json" coverage_95)")")
  predict=$(number "$json" predict_us) simulate=$(number "$json" simulator_seconds)
  single+=("$(show '%.1f us' a "$predict")")
  batch+=("$(show '%.1f us' a "$(number "$json" batch_us)")")
  simulator+=("$(show '%.3g ms' '1e3 * a' "$simulate")")
  speedup+=("$(show '%.0f' '1e6 * a / b' "$simulate" "$predict")")
  training+=("$(awk '$1 == "train" { printf "%s s", $2 }' "$folder/seconds")")
  total+=("$(awk '{ sum += $2 } END { printf "%.1f s", sum }' "$folder/seconds")")
done
row "held-out, median / 95 %" "${names[@]}"
row "relative L2 error" "${l2[@]}"
row "mismatch (time, phase maximised)" "${mismatch[@]}"
row "error bars cover (68 % / 95 %)" "${coverage[@]}"
row "one prediction, alone" "${single[@]}"
row "one prediction, in a batch" "${batch[@]}"
row "one simulation" "${simulator[@]}"
row "speed-up" "${speedup[@]}"
row "training" "${training[@]}"
row "all steps" "${total[@]}"
