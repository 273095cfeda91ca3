#!/bin/sh
# examples.sh PREFIX LIBDIR EXAMPLES WORK CMAKE GENERATOR: builds the examples in C, C++ and Fortran on the installed tree, as
# a user would: by CMake, pkg-config and the Makefiles, shared and static. What they print is the same to the last bit.
# CC, CXX and FC name the compilers; without FC there is no Fortran.
set -eu
prefix=$1 lib=$1/$2 examples=$3 work=$4 cmake=$5 generator=$6
export PKG_CONFIG_PATH="$lib/pkgconfig"
rm -rf "$work"
mkdir -p "$work"
cd "$work"

ersatz() { "$prefix/bin/ersatz" "$@" --quiet; }
ersatz design --simulator supernova -n 30 -o design.csv
ersatz simulate --simulator supernova --design design.csv -o sims.h5
ersatz train sims.h5 -o model.h5 >/dev/null
sed -n 4p design.csv | tr ',' ' ' >point.txt
point=$(cat point.txt)

# by_cmake SOURCES PROGRAM OPTIONS…: build/PROGRAM
by_cmake() {
  rm -rf build
  sources=$1 program=$2
  shift 2
  "$cmake" -S "$sources" -B build -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" "$@" >cmake.log 2>&1 || { cat cmake.log; exit 1; }
  "$cmake" --build build --target "$program" >cmake.log 2>&1 || { cat cmake.log; exit 1; }
}
# by_make SOURCES PROGRAM VARIABLES…: build/PROGRAM; the sources stay as they are
by_make() {
  rm -rf build
  cp -r "$1" build
  program=$2
  shift 2
  make -C build "$program" ERSATZ="$prefix" LIBDIR="$lib" "$@" >make.log 2>&1 || { cat make.log; exit 1; }
}
# libraries PROGRAM: those of Ersatz that it loads
libraries() { ldd "$1" | sed -n 's/^\t*\(libersatz[^ ]*\) .*/\1/p' | tr '\n' ' '; }

# says FILE EXPECTED: two lists of numbers and words are the same, numbers as numbers
says() {
  awk -v other="$2" '
    { getline line < other; n = split(line, expected); if (n != NF) bad = 1
      for (i = 1; i <= n; ++i) if ($i != expected[i] && ($i + 0 != expected[i] + 0 || $i + 0 == 0)) bad = 1
      if (bad) { print FILENAME ": " $0; print "expected: " line; exit } }
    END { if (bad || NR == 0 || (getline line < other) > 0) exit 1 }' "$1"
}
# checked HOW PROGRAM LIBRARIES EXPECTED ARGUMENTS…
checked() {
  how=$1 program=$2 wanted=$3 expected=$4
  shift 4
  [ "$(libraries "$program")" = "$wanted" ] || { echo "$how: loads '$(libraries "$program")', not '$wanted'"; exit 1; }
  "$program" "$@" >out.txt
  says out.txt "$expected" || { echo "$how: another result"; exit 1; }
  echo "$how: good"
}

by_cmake "$examples/cpp" predict -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_C_COMPILER="$CC"
"$cmake" --build build >cmake.log
# shellcheck disable=SC2086
build/predict model.h5 $point >predict.txt
build/rays model.h5 9 20 >rays.txt
[ "$(wc -l <rays.txt)" = 9 ]
by_make "$examples/cpp" rays CXX="$CXX"
checked "C++, make" build/rays "libersatz.so.0 " rays.txt model.h5 9 20
# shellcheck disable=SC2046
"$CXX" -std=c++17 -O2 "$examples/cpp/rays.cpp" -o build/rays $(pkg-config --cflags --libs ersatz) -pthread -Wl,-rpath,"$lib"
checked "C++, pkg-config" build/rays "libersatz.so.0 " rays.txt model.h5 9 20

for kind in shared static; do
  case $kind in
    shared) package=ersatz-c option=OFF wanted="libersatz_c.so.1 " static= ;;
    static) package=ersatz-c-static option=ON wanted= static="STATIC=1" ;;
  esac
  by_cmake "$examples/c" predict -DCMAKE_C_COMPILER="$CC" -DErsatz_USE_STATIC_LIBS=$option
  # shellcheck disable=SC2086
  checked "C, CMake, $kind" build/predict "$wanted" predict.txt model.h5 $point
  # shellcheck disable=SC2086
  by_make "$examples/c" predict CC="$CC" $static
  # shellcheck disable=SC2086
  checked "C, make, $kind" build/predict "$wanted" predict.txt model.h5 $point
  # shellcheck disable=SC2046
  "$CC" -std=c99 -Wall -Wextra -pedantic -Werror "$examples/c/predict.c" -o build/predict \
    $(pkg-config --cflags --libs $package) -Wl,-rpath,"$lib"
  # shellcheck disable=SC2086
  checked "C, pkg-config, $kind" build/predict "$wanted" predict.txt model.h5 $point

  [ -n "${FC:-}" ] || continue
  by_cmake "$examples/fortran" rays -DCMAKE_C_COMPILER="$CC" -DCMAKE_Fortran_COMPILER="$FC" -DErsatz_USE_STATIC_LIBS=$option
  checked "Fortran, CMake, $kind" build/rays "$wanted" rays.txt model.h5 9 20
  OMP_NUM_THREADS=3 checked "Fortran, three threads, $kind" build/rays "$wanted" rays.txt model.h5 9 20
  # shellcheck disable=SC2086
  by_make "$examples/fortran" rays FC="$FC" $static
  checked "Fortran, make, $kind" build/rays "$wanted" rays.txt model.h5 9 20
  # shellcheck disable=SC2046
  (cd build && "$FC" -O2 -fopenmp "$(pkg-config --variable=fortran_source $package)" rays.f90 -o rays \
    $(pkg-config --libs $package) -Wl,-rpath,"$lib")
  checked "Fortran, pkg-config, $kind" build/rays "$wanted" rays.txt model.h5 9 20
done

# What goes wrong is said.
says_no() {  # LANGUAGES COMPONENTS WORDS
  rm -rf wrong
  mkdir wrong
  printf 'cmake_minimum_required(VERSION 3.19)\nproject(Wrong LANGUAGES %s)\nfind_package(Ersatz REQUIRED COMPONENTS %s)\n' \
    "$1" "$2" >wrong/CMakeLists.txt
  if "$cmake" -S wrong -B wrong/build -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" $4 >wrong.log 2>&1; then
    echo "components $2 were found"
    exit 1
  fi
  tr -s '\n ' ' ' <wrong.log | grep -q "$3" || { cat wrong.log; exit 1; }
}
says_no C "c nonsense" "Ersatz has no component 'nonsense': its components are evaluation" ""
says_no C fortran "project(NAME LANGUAGES C Fortran)" ""
says_no CXX c "need HDF5, which CMake finds in projects with the language C only" -DErsatz_USE_STATIC_LIBS=ON
# shellcheck disable=SC2086
by_make "$examples/c" predict CC="$CC"
if build/predict model.h5 1 2 2>error.txt; then exit 1; fi
grep -q 'expected 8 parameters, got 2' error.txt || { cat error.txt; exit 1; }
if build/predict missing.h5 1 2 2>error.txt; then exit 1; fi
grep -q "there is no file 'missing.h5'" error.txt
