#!/bin/sh
# Installs the programs that some tests and benchmarks need beside npm's packages: system-packages.sh chromium wrk
# A package that is not named like its program says which programs tell that it is there:
# system-packages.sh 'postgresql=initdb|/usr/lib/postgresql/*/bin/initdb'
set -eu

is_there() (
  IFS='|'
  for program in $1; do
    command -v "$program" >/dev/null 2>&1 && return 0
  done
  return 1
)

missing=
for argument in "$@"; do
  is_there "${argument#*=}" || missing="$missing ${argument%%=*}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "Please install with this system's package manager:$missing" >&2
  exit 1
fi

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root=sudo
else
  echo "Please install as root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

echo "Installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Some packages start their server when they are installed; the tests start servers of their own only.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '$as_root rm -f "$policy"; rm -f "$log"' EXIT
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
fi
# The lists may name versions that the mirror has replaced since, so they are fetched anew first. One source
# out of several that does not answer is no reason to give up.
$as_root apt-get update >"$log" 2>&1 || true
# shellcheck disable=SC2086 # the names are words, to be split
if ! $as_root env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y --no-install-recommends $missing >>"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install:$missing" >&2
  exit 1
fi
