#!/usr/bin/env bash
# Waveforms of precessing black holes in all 7 parameters, from 300 and from 1500 simulations:
#
#   examples/waveform/run.sh [FOLDER]      default: waveform-output, here
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=${1:-waveform-output}
for n in 300 1500; do
  "$here/../emulate.sh" waveform $n "$output/$n" --recipe "$here/recipe.toml"
done
"$here/../figures.sh" "$output/300" "$output/1500"
