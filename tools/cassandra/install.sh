#!/bin/sh
# Brings the Cassandra that the tests run into build/servers, once: Maven Central has its jars, no package has it.
set -eu

cd "$(dirname "$0")/../.."
version=5.0.5
target=build/servers/cassandra-$version
[ ! -d "$target/libs" ] || exit 0

for program in java mvn; do
  if ! command -v "$program" >/dev/null 2>&1; then
    echo "Cassandra for the tests needs $program: please install a Java 17 runtime and Maven." >&2
    exit 1
  fi
done

echo "Installing Cassandra $version into $target"
mkdir -p build/servers
fresh=$(mktemp -d "build/servers/.cassandra-XXXXXX")
trap 'rm -rf "$fresh"' EXIT
if ! mvn --batch-mode --quiet --strict-checksums --file tools/cassandra/pom.xml dependency:copy-dependencies \
  -DoutputDirectory="$PWD/$fresh/libs" -DincludeScope=runtime >"$fresh/log" 2>&1; then
  tail -n 20 "$fresh/log" >&2
  echo "Maven could not fetch Cassandra $version." >&2
  exit 1
fi
rm -f "$fresh/log"
# Renamed as a whole: a folder that is there is complete. Whoever was faster has the same.
mv -T "$fresh" "$target" 2>/dev/null || [ -d "$target/libs" ]
