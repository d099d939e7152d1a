#!/bin/sh
# Brings what the examples in other languages are made and checked with into build/tools, once: gRPC for Python, generators for Go, grpcurl and ghz.
set -eu

cd "$(dirname "$0")/../.."
root=$PWD
tools=$root/build/tools
mkdir -p "$tools"

venv=$tools/python
wanted=examples/python/requirements.txt
# Written last: an environment that lacks it is not complete, or is of another list.
if ! cmp -s "$wanted" "$venv/installed.txt"; then
  python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || tools/system-packages.sh python3 python3-venv
  echo 'Installing gRPC for Python into build/tools'
  rm -rf "$venv"
  if ! { python3 -m venv "$venv" &&
    PIP_CACHE_DIR=$tools/pip-cache "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
      --only-binary=:all: -r "$wanted"; } >"$tools/python.log" 2>&1; then
    tail -n 20 "$tools/python.log" >&2
    echo 'The packages of examples/python/requirements.txt could not be installed from PyPI.' >&2
    exit 1
  fi
  cp "$wanted" "$venv/installed.txt"
fi

# install_go <program> <version> <package>: into a folder of its own, which a newer version does not find there.
install_go() {
  target=$tools/$1-$2
  [ ! -x "$target/$1" ] || return 0
  echo "Installing $1 $2 into build/tools"
  if ! GOBIN=$target tools/examples/go.sh install "$3@v$2" >"$tools/$1.log" 2>&1; then
    tail -n 20 "$tools/$1.log" >&2
    echo "$3 $2 could not be installed from the Go module proxy." >&2
    exit 1
  fi
}

install_go protoc-gen-go 1.36.12 google.golang.org/protobuf/cmd/protoc-gen-go
install_go protoc-gen-go-grpc 1.6.2 google.golang.org/grpc/cmd/protoc-gen-go-grpc
install_go grpcurl 1.9.4 github.com/fullstorydev/grpcurl/cmd/grpcurl
install_go ghz 0.121.0 github.com/bojand/ghz/cmd/ghz
# Under names without versions, for who runs them.
mkdir -p "$tools/bin"
for program in "$tools"/protoc-gen-go-1.36.12/* "$tools"/protoc-gen-go-grpc-1.6.2/* \
  "$tools"/grpcurl-1.9.4/* "$tools"/ghz-0.121.0/*; do
  ln -sf "$program" "$tools/bin/"
done
