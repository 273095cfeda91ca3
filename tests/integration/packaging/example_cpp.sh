#!/bin/sh
# example_cpp.sh PREFIX SOURCES WORK CMAKE GENERATOR COMPILER: the installed program trains a model, the example built on
# the installed library opens it, and both say the same to the last bit.
set -eu
prefix=$1 sources=$2 work=$3 cmake=$4 generator=$5 compiler=$6
rm -rf "$work"
mkdir -p "$work"
cd "$work"

ersatz() { "$prefix/bin/ersatz" "$@" --quiet; }
ersatz design --simulator borehole -n 40 -o design.csv
ersatz simulate --simulator borehole --design design.csv -o sims.h5
ersatz train sims.h5 -o model.h5
ersatz predict model.h5 design.csv -o mean.csv

"$cmake" -S "$sources" -B build -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
"$cmake" --build build >/dev/null

# The third point; the design has a header line, the prediction has none.
point=$(sed -n 4p design.csv | tr ',' ' ')
# shellcheck disable=SC2086
build/predict model.h5 $point >prediction.txt
cat prediction.txt
expected=$(sed -n 3p mean.csv)
awk -v expected="$expected" 'NR == 1 && !/^# inside/ { exit 1 }
  NR == 2 { same = ($3 + 0 == expected + 0); if (!same) print "the program says", expected }
  END { exit !(same && NR == 2) }' prediction.txt

# shellcheck disable=SC2086
if build/predict model.h5 $point 1 2>error.txt; then
  echo "one parameter too many was taken" >&2
  exit 1
fi
grep -q 'expected 8 parameters, got 9' error.txt
