#!/usr/bin/env bash
# From a bare Debian 12 to two emulators and their reports:
#
#   examples/quickstart.sh [FOLDER]              default: quickstart-output, here
#   RANKS=2 examples/quickstart.sh [FOLDER]      the same on 2 MPI ranks
#
# installs what is missing, builds (into build/release, as tests/run.sh does), then emulates supernova spectra in
# 6 parameters and the waveforms of aligned black holes from 300 simulations each, and prints how well and how fast.
# Takes minutes, most of them for the build. A second call rebuilds what changed and starts over.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "quickstart.sh: unknown option '$1' (see quickstart.sh --help)" >&2; exit 2 ;;
esac
[ $# -le 1 ] || { echo "quickstart.sh: expected one folder, got $#: $*" >&2; exit 2; }
output=${1:-quickstart-output}
root=$(cd "$(dirname "$0")/.." && pwd)
trap 'status=$?; [ $status -eq 0 ] || echo "quickstart.sh: failed (status $status), see the message above" >&2' EXIT

echo "=== Set-up" >&2
"$root/cmake/install-dependencies.sh"

echo "=== Build" >&2
begin=$SECONDS
options=()
if [ ! -e "$root/build/release/CMakeCache.txt" ]; then
  # No tests: faster, and GoogleTest may be missing. Warnings as tests/run.sh has them, so that it rebuilds nothing.
  options=(-DERSATZ_TESTS=OFF)
  [ "$(g++ -dumpversion)" != 12 ] || options+=(-DERSATZ_WERROR=ON)
fi
(
  cd "$root"
  cmake --preset release --log-level=NOTICE "${options[@]}"
  cmake --build --preset release --target ersatz-program
) >&2
built=$((SECONDS - begin))

echo "=== Emulate" >&2
begin=$SECONDS
mkdir -p "$output"
for simulator in supernova-6 waveform-aligned; do
  "$root/examples/emulate.sh" $simulator 300 "$output/$simulator"
done

echo
"$root/examples/figures.sh" "$output/supernova-6" "$output/waveform-aligned"
echo
echo "Reports: $output/supernova-6/report.html, $output/waveform-aligned/report.html"
echo "The build took $built s, all the rest $((SECONDS - begin)) s."
