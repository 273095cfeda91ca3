#!/bin/sh
# pkg_config.sh PREFIX LIBDIR COMPILER WITH_TRAIN WITH_MPI: builds and runs the consumers by what pkg-config says.
set -eu
lib=$1/$2 compiler=$3 with_train=$4 with_mpi=$5
sources=$(dirname "$0")/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PKG_CONFIG_PATH="$lib/pkgconfig"

# The build of HDF5 for Open MPI may answer to the name hdf5.
pkg-config --print-requires-private ersatz | grep -qx hdf5-serial

consume() {  # SOURCE PACKAGE [COMPILER]
  # shellcheck disable=SC2046
  OMPI_CXX=$compiler "${3:-$compiler}" -std=c++17 "$sources/$1.cpp" -o "$work/$1" $(pkg-config --cflags --libs "$2") -Wl,-rpath,"$lib"
  "$work/$1"
}
consume evaluates ersatz
case $with_train in
  ON) consume trains ersatz-train ;;
esac
case $with_mpi in
  ON) consume ranks ersatz-mpi mpicxx ;;
esac
