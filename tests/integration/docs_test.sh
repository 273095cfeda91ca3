#!/usr/bin/env bash
# docs_test.sh SOURCE PROGRAM COMPILER LIBDIR EIGEN [CC [FORTRAN]]: runs what README.md and docs/ tell people to run.
#
# Blocks of ```sh, ```cpp, ```c and ```fortran right after a line <!-- test --> are run in the order in which they stand, all of one page
# in the same temporary folder. A C++ block is a program: it is built against the evaluation library (and the training
# library, when it says so in a comment: "links ersatz::train") and run. One in C or Fortran is built against libersatz_c.
set -euo pipefail
source=$1 program=$2 compiler=$3 lib=$4 eigen=$5 c_compiler=${6:-} fortran=${7:-}
pages=(README.md docs/user-guide.md docs/recipes.md docs/cpp.md docs/export.md docs/regressor-linear.md docs/regressor-chaos.md docs/mismatch.md)
[ -z "$c_compiler" ] || pages+=(docs/c.md)
[ -z "$fortran" ] || pages+=(docs/fortran.md)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$program" "$work/bin/ersatz"
# The Python that has h5py need not be the first one.
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import h5py' 2>/dev/null; then
    ln -s "$(command -v "$python")" "$work/bin/python3"
    break
  fi
done
[ -e "$work/bin/python3" ] || { echo "docs_test.sh: no python3 with h5py (Debian: python3-h5py)" >&2; exit 1; }
export PATH="$work/bin:$PATH" LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

for page in "${pages[@]}"; do
  folder=$work/$(basename "$page" .md)
  mkdir "$folder"
  # block-1.sh, block-2.cpp, …; the number of marks is checked, so that no block is lost.
  awk -v folder="$folder" '
    /^<!-- test -->$/ { marked = 1; marks++; next }
    marked && /^```(sh|cpp|c|fortran)$/ { file = sprintf("%s/block-%02d.%s", folder, ++n, substr($0, 4)); marked = 0; open = 1; next }
    marked { print "a mark is not followed by a block: line " NR; exit 1 }
    open && /^```$/ { open = 0; next }
    open { print > file }
    END { if (open || marks != n || n == 0) { print "marks and blocks do not fit: " marks ", " n; exit 1 } }
  ' "$source/$page" || { echo "docs_test.sh: $page: see above" >&2; exit 1; }
  for block in "$folder"/block-*; do
    begin=$(date +%s%N)
    case $block in
      *.sh) run=(bash -eu "$block") ;;
      *.cpp)
        libraries=(-lersatz)
        if grep -q '// links ersatz::train' "$block"; then libraries=(-lersatz-train -lersatz); fi
        "$compiler" -std=c++17 -O1 -Wall -Wextra -I"$source/include" -isystem "$eigen" "$block" -o "$block.run" \
          -L"$lib" "${libraries[@]}" -lpthread
        run=("$block.run")
        ;;
      *.c)
        "$c_compiler" -std=c99 -O1 -Wall -Wextra -I"$source/lib/bindings" "$block" -o "$block.run" -L"$lib" -lersatz_c
        run=("$block.run")
        ;;
      *.fortran)
        "$fortran" -O1 -Wall -J"$folder" "$source/lib/bindings/ersatz.f90" -ffree-form -x f95 "$block" -o "$block.run" -L"$lib" -lersatz_c
        run=("$block.run")
        ;;
    esac
    (cd "$folder" && "${run[@]}") >"$block.log" 2>&1 || {
      status=$?
      echo "docs_test.sh: $page, $(basename "$block"): status $status" >&2
      cat "$block" "$block.log" >&2
      exit 1
    }
    printf '%-20s %-14s %6d ms\n' "$page" "$(basename "$block")" $((($(date +%s%N) - begin) / 1000000))
  done
done
