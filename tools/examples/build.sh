#!/bin/sh
# Generates the code of examples/python and examples/go from proto/, and builds the Go one into build/examples.
set -eu

cd "$(dirname "$0")/../.."
tools/examples/install.sh

rm -rf examples/python/generated
mkdir -p examples/python/generated
build/tools/python/bin/python -m grpc_tools.protoc --proto_path=proto \
  --python_out=examples/python/generated --pyi_out=examples/python/generated \
  --grpc_python_out=examples/python/generated \
  proto/apura/metering/v1/pulse.proto proto/apura/metering/v1/pulse_service.proto

PATH=$PWD/build/tools/bin:$PATH BUF_CACHE_DIR=$PWD/build/tools/buf-cache \
  node_modules/.bin/buf generate --template examples/go/buf.gen.yaml \
  --path proto/apura/metering/v1/pulse.proto --path proto/apura/metering/v1/pulse_service.proto
mkdir -p build/examples
tools/examples/go.sh build -C examples/go -o "$PWD/build/examples/send-pulses" .
