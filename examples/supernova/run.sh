#!/usr/bin/env bash
# Supernova spectra in all 8 parameters, from 300 and from 1500 simulations, by the recipe spectrum.toml:
#
#   examples/supernova/run.sh [FOLDER]      default: supernova-output, here
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=${1:-supernova-output}
for n in 300 1500; do
  "$here/../emulate.sh" supernova $n "$output/$n" --recipe "$here/spectrum.toml"
done
"$here/../figures.sh" "$output/300" "$output/1500"
