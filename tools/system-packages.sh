#!/bin/sh
# Installs the programs that some tests and benchmarks need beside npm's packages: system-packages.sh chromium wrk
set -eu

missing=
for package in "$@"; do
  command -v "$package" >/dev/null 2>&1 || missing="$missing $package"
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
