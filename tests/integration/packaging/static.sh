#!/bin/sh
# static.sh PREFIX LIBDIR EXAMPLES WORK CMAKE GENERATOR SOURCE BUILD: builds and installs evaluation alone without shared
# libraries, and the C++ example on it by CMake, pkg-config and make; it says what the shared one said in WORK, where
# examples.sh has been. CC and CXX name the compilers.
set -eu
libdir=$2 examples=$3 work=$4 cmake=$5 generator=$6 source=$7 static=$8
cd "$work"
"$cmake" -S "$source" -B "$static" -G "$generator" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DERSATZ_TRAIN=OFF \
  -DERSATZ_MPI=OFF -DERSATZ_PROGRAM=OFF -DERSATZ_TESTS=OFF -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_INSTALL_LIBDIR="$libdir" >static.log 2>&1 || { cat static.log; exit 1; }
"$cmake" --build "$static" >static.log 2>&1 || { cat static.log; exit 1; }
"$cmake" --install "$static" --prefix "$work/static" >static.log

checked() {
  if ldd "$2" | grep -q libersatz; then echo "$1: loads a library of Ersatz"; exit 1; fi
  "$2" model.h5 9 20 >out.txt
  cmp out.txt rays.txt || { echo "$1: another result"; exit 1; }
  echo "$1: good"
}
rm -rf build
"$cmake" -S "$examples/cpp" -B build -G "$generator" -DCMAKE_PREFIX_PATH="$work/static" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_C_COMPILER="$CC" >static.log 2>&1 || { cat static.log; exit 1; }
"$cmake" --build build --target rays >static.log 2>&1 || { cat static.log; exit 1; }
checked "C++, CMake, static" build/rays
export PKG_CONFIG_PATH="$work/static/$libdir/pkgconfig"
# shellcheck disable=SC2046
"$CXX" -std=c++17 -O2 "$examples/cpp/rays.cpp" -o build/rays $(pkg-config --static --cflags --libs ersatz) -pthread
checked "C++, pkg-config, static" build/rays
rm -rf build
cp -r "$examples/cpp" build
make -C build rays ERSATZ="$work/static" LIBDIR="$work/static/$libdir" STATIC=1 CXX="$CXX" >static.log 2>&1 || { cat static.log; exit 1; }
checked "C++, make, static" build/rays

# What was left out is said to be missing.
mkdir -p wrong
printf 'cmake_minimum_required(VERSION 3.19)\nproject(Wrong LANGUAGES C CXX)\nfind_package(Ersatz REQUIRED COMPONENTS train)\n' \
  >wrong/CMakeLists.txt
rm -rf wrong/build
if "$cmake" -S wrong -B wrong/build -G "$generator" -DCMAKE_PREFIX_PATH="$work/static" >wrong.log 2>&1; then exit 1; fi
tr -s '\n ' ' ' <wrong.log | grep -q "was built without the component 'train': build it with -DERSATZ_TRAIN=ON" || { cat wrong.log; exit 1; }
