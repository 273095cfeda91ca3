#!/usr/bin/env bash
# Proves that a bare Debian 12 is enough: makes one (debootstrap), clones this repository's HEAD into it, and runs
# there what a newcomer would.
#
#   tests/fresh-machine.sh [options] [COMMAND…]
#
#   COMMAND        shell commands, run one after the other in the clone; default: ./examples/quickstart.sh ./tests/run.sh
#   --root DIR     make it in DIR (default: a temporary folder), and keep it: a bare system already there is used
#   --keep         do not delete what was made in a temporary folder
#   --ci           run with CI=true, as continuous integration does
#   --cpus N       use at most N processors
#
# Needs root, debootstrap, git, and a Debian mirror (MIRROR, default http://deb.debian.org/debian). What ../shared
# beside the checkout holds can be read in it, at the same place. Mounts live in a namespace of their own and
# vanish with this process, however it ends.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
mirror=${MIRROR:-http://deb.debian.org/debian}

if [ "$(id -u)" -ne 0 ]; then
  echo "fresh-machine.sh: needs root (chroot, mount): sudo $0" >&2
  exit 1
fi
for tool in debootstrap git unshare; do
  command -v $tool >/dev/null || { echo "fresh-machine.sh: '$tool' is missing" >&2; exit 1; }
done
if [ "${ERSATZ_FRESH_NAMESPACE:-}" != yes ]; then
  export ERSATZ_FRESH_NAMESPACE=yes
  exec unshare --mount --propagation private "$0" "$@"
fi

root='' keep=no ci='' cpus=$(nproc)
while [ $# -gt 0 ]; do
  case $1 in
    --root) root=${2:?"--root takes a folder"} keep=yes; shift ;;
    --keep) keep=yes ;;
    --ci) ci=true ;;
    --cpus) cpus=${2:?"--cpus takes a number"}; shift ;;
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "fresh-machine.sh: unknown option '$1' (see --help)" >&2; exit 2 ;;
    *) break ;;
  esac
  shift
done
[ $# -gt 0 ] || set -- ./examples/quickstart.sh ./tests/run.sh
if [ -z "$root" ]; then
  root=$(mktemp -d "${TMPDIR:-/var/tmp}/ersatz-fresh.XXXXXX")
fi
mkdir -p "$root"
root=$(cd "$root" && pwd)
[ "$root" != / ]

mounts=()
mount_on() {  # TARGET ARGUMENTS OF mount…
  local target=$1
  shift
  mkdir -p "$target"
  mount "$@" "$target"
  mounts=("$target" "${mounts[@]}")
}
clean_up() {
  local target unmounted=yes
  for target in "${mounts[@]}"; do
    umount "$target" 2>/dev/null || umount --lazy "$target" || unmounted=no
  done
  # Never delete through a mount.
  if [ $keep = no ] && [ $unmounted = yes ]; then
    rm -rf --one-file-system "$root"
  else
    echo "fresh-machine.sh: the machine stays in $root" >&2
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

if [ ! -x "$root/usr/bin/apt-get" ]; then
  echo "=== A bare Debian 12 in $root, from $mirror" >&2
  debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; exit 1; }
  rm -f "$root.log"
fi

# The network as this machine has it.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
if command -v apt-config >/dev/null; then
  apt-config dump | grep -iE '^Acquire::(https?|ftp)::proxy' >"$root/etc/apt/apt.conf.d/90proxy" || true
fi
variables=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}")
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  [ -z "${!name:-}" ] || variables+=("$name=${!name}")
done
[ -z "$ci" ] || variables+=("CI=$ci")

mount_on "$root/proc" -t proc proc
mount_on "$root/dev" -t tmpfs -o mode=755 tmpfs
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
  mounts=("$root/dev/$device" "${mounts[@]}")
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm"
chmod 1777 "$root/dev/shm"

rm -rf "$root/home/ersatz"
mkdir -p "$root/home/ersatz"
git clone --quiet --no-local --no-hardlinks "$checkout" "$root/home/ersatz/checkout"
git -C "$root/home/ersatz/checkout" checkout --quiet --detach "$(git -C "$checkout" rev-parse HEAD)"
if [ -d "$checkout/../shared" ]; then
  mount_on "$root/home/ersatz/shared" --bind "$(cd "$checkout/../shared" && pwd)"
  mount -o remount,bind,ro "$root/home/ersatz/shared"
fi
echo "=== $(git -C "$checkout" log -1 --format='%h %s')" >&2

last=$((cpus - 1))
for command in "$@"; do
  echo "=== $command" >&2
  begin=$SECONDS
  status=0
  taskset -c 0-$last env -i "${variables[@]}" \
    chroot "$root" bash -c "cd /home/ersatz/checkout && $command" </dev/null || status=$?
  echo "=== $command: status $status after $((SECONDS - begin)) s" >&2
  [ $status -eq 0 ] || exit $status
done
