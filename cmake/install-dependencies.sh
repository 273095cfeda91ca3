#!/usr/bin/env bash
# The one list of Debian packages that Ersatz needs. Installs those that are missing, and nothing else.
#
#   cmake/install-dependencies.sh            what the build needs
#   cmake/install-dependencies.sh --tests    and what the tests need
#   cmake/install-dependencies.sh --list     print the list instead (with or without --tests)
set -euo pipefail

build=(
  g++ cmake ninja-build pkg-config
  libeigen3-dev libhdf5-dev libopenblas-dev
  libceres-dev libboost-dev libnanoflann-dev
  libcli11-dev libtomlplusplus-dev nlohmann-json3-dev
  libopenmpi-dev openmpi-bin libscalapack-openmpi-dev
)
tests=(
  libgtest-dev clang-format-14 binutils
  python3 python3-h5py python3-numpy python3-scipy python3-sklearn
)

packages=("${build[@]}")
list=no
for argument in "$@"; do
  case $argument in
    --tests) packages+=("${tests[@]}") ;;
    --list) list=yes ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install-dependencies.sh: unknown option '$argument' (expected --tests, --list)" >&2; exit 2 ;;
  esac
done
if [ $list = yes ]; then
  printf '%s\n' "${packages[@]}"
  exit 0
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install-dependencies.sh: not a Debian system; nothing is installed. These are Debian's names of what" \
       "Ersatz needs, CMake will say what is missing: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | head -n 1) || true
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-dependencies.sh: missing packages, and neither root nor sudo to install them. As root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null; }

echo "Installing ${#missing[@]} missing packages: ${missing[*]}" >&2
# Old package lists may name files that the mirror no longer has.
apt -qq -o Acquire::Retries=3 update >&2 ||
  echo "install-dependencies.sh: apt-get update failed, going on with the package lists that are there" >&2
if ! apt -qq -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" >&2; then
  echo "install-dependencies.sh: apt-get could not install ${missing[*]} (its messages stand above)" >&2
  exit 1
fi
