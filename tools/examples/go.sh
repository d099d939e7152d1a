#!/bin/sh
# Runs Go with everything that it keeps under build/tools: the installed one if it is new enough, else (or with APURA_GO=pinned)
# a pinned one, fetched once.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/build/tools
version=1.26.8
minor_min=26

# The minor version of an installed Go 1; 0 where there is none.
installed_minor() {
  command -v go >/dev/null 2>&1 || { echo 0; return; }
  GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*$/\1/p' | grep . || echo 0
}

fail() {
  echo "The Go example needs Go 1.$minor_min or later ($1): please install the package golang-go, or https://go.dev/dl" >&2
  exit 1
}

fetch_toolchain() {
  case "$(uname -s) $(uname -m)" in
    'Linux x86_64') system=linux-amd64 sum=30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7 ;;
    'Linux aarch64') system=linux-arm64 sum=02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99 ;;
    *) fail 'none is pinned for this system' ;;
  esac
  name=golang.org/toolchain@v0.0.1-go$version.$system
  # Go's own registry, or the mirror that stands for it here.
  proxy=$(printf '%s' "${GOPROXY:-}" | sed 's/[,|].*//')
  case "$proxy" in http*) ;; *) proxy=https://proxy.golang.org ;; esac
  echo "Installing Go $version into build/tools" >&2
  mkdir -p "$tools"
  fresh=$(mktemp -d "$tools/.go-XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  node -e '
    const [, url, file] = process.argv;
    fetch(url).then(async (answer) => {
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
      require("node:fs").writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
    }).catch((error) => { console.error(String(error.cause ?? error)); process.exit(1); });
  ' "$proxy/golang.org/toolchain/@v/v0.0.1-go$version.$system.zip" "$fresh/go.zip" ||
    fail 'it could not be fetched'
  echo "$sum  $fresh/go.zip" | sha256sum --check --quiet - >&2 || fail 'what was fetched is not what was pinned'
  python3 -m zipfile -e "$fresh/go.zip" "$fresh/out" || fail 'it could not be unpacked'
  # Module archives carry no modes.
  find "$fresh/out/$name/bin" "$fresh/out/$name/pkg/tool" -type f -exec chmod 755 {} +
  # Renamed as a whole: a folder that is there is complete. Whoever was faster has the same.
  mv -T "$fresh/out/$name" "$tools/go-$version" 2>/dev/null || [ -x "$tools/go-$version/bin/go" ]
  rm -rf "$fresh"
  trap - EXIT
}

if [ "${APURA_GO:-}" != pinned ] && [ "$(installed_minor)" -ge "$minor_min" ]; then
  go=go
else
  go=$tools/go-$version/bin/go
  [ -x "$go" ] || fetch_toolchain
fi

# Nothing of a home folder, no other toolchain, no C compiler; what it keeps can be removed like any file.
export GOPATH="$tools/go-path" GOCACHE="$tools/go-cache" GOENV=off GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
export GOFLAGS='-modcacherw -buildvcs=false'
exec "$go" "$@"
