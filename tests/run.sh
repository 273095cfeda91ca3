#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests. Ends with ctest's own summary.
#
#   tests/run.sh                    what must always hold: unit tests under sanitizers, then all but the slow tests
#   tests/run.sh --all              the slow tier too (label slow: minutes to hours)
#   tests/run.sh --preset NAME      build and test another preset than release (debug, no-mpi)
#   tests/run.sh --no-sanitizers    leave the run under AddressSanitizer and UBSan out
#   tests/run.sh --format           check the formatting too (always done where CI is set)
#
# Reuses build/<preset>, so a second call builds what changed. Status 0 when everything passed.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release sanitizers=yes format=no slow=no
[ -z "${CI:-}" ] || format=yes
while [ $# -gt 0 ]; do
  case $1 in
    --all) slow=yes ;;
    --preset) preset=${2:?"--preset takes a name: release, debug, no-mpi"}; shift ;;
    --no-sanitizers) sanitizers=no ;;
    --format) format=yes ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "tests/run.sh: unknown option '$1' (see tests/run.sh --help)" >&2; exit 2 ;;
  esac
  shift
done
case $preset in
  release | debug | no-mpi) ;;
  *) echo "tests/run.sh: preset '$preset' is not one of release, debug, no-mpi" >&2; exit 2 ;;
esac

part="set-up"
begin=$SECONDS
trap 'status=$?; [ $status -eq 0 ] || [ -z "$part" ] || echo "tests/run.sh: failed in: $part (status $status)" >&2' EXIT
step() {
  part=$1
  printf '\n=== %s (after %d s)\n' "$1" $((SECONDS - begin))
}

jobs=$(nproc)
export CTEST_PARALLEL_LEVEL=$jobs CMAKE_BUILD_PARALLEL_LEVEL=$jobs

step "dependencies"
cmake/install-dependencies.sh --tests

if [ $format = yes ]; then
  step "format"
  # The version that Debian 12 has: others format differently.
  find include lib drivers tests examples \( -name '*.hpp' -o -name '*.cpp' -o -name '*.h' -o -name '*.c' -o -name '*.inc' \) \
    -not -path '*/build/*' -print0 | xargs -0 -r clang-format-14 --dry-run --Werror
fi

# Warnings are errors, except under compilers that nobody has tried yet.
werror=OFF
[ "$(g++ -dumpversion)" != 12 ] || werror=ON
[ -z "${CI:-}" ] || werror=ON

if [ $sanitizers = yes ]; then
  step "unit tests under AddressSanitizer and UBSan: build"
  cmake --preset asan --log-level=NOTICE -DERSATZ_WERROR=$werror
  cmake --build --preset asan
  step "unit tests under AddressSanitizer and UBSan: run"
  # LeakSanitizer needs ptrace, which some containers forbid.
  leaks=1
  echo 'int main() {}' | g++ -x c++ -fsanitize=address - -o build/asan/leak_probe
  ASAN_OPTIONS=detect_leaks=1 build/asan/leak_probe 2>/dev/null || leaks=0
  [ $leaks = 1 ] || echo "LeakSanitizer does not run here (ptrace is forbidden?): leaks are not looked for"
  # No detect_stack_use_after_return: GCC 12 misaligns AVX-512 vectors in its fake stacks.
  ASAN_OPTIONS=detect_leaks=$leaks:strict_string_checks=1:${ASAN_OPTIONS:-} \
    UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-} ctest --preset asan
fi

step "$preset: build"
cmake --preset "$preset" --log-level=NOTICE -DERSATZ_TESTS=ON -DERSATZ_WERROR=$werror
cmake --build --preset "$preset"

step "$preset: tests"
only=()
[ $slow = yes ] || only=(--label-exclude '^slow$')
part=  # ctest's summary, good or bad, has the last word
ctest --preset "$preset" --timeout 900 "${only[@]}"
