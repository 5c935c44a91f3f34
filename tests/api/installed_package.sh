#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the development files into a folder of their own, builds the examples against them with find_package and with
# pkg-config, and runs one.
set -euo pipefail
source=$1 build=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" --component development >/dev/null
test -f "$work/prefix/include/medlar/compat/NvInfer.h"
cmake --install "$build" --prefix "$work/prefix" --component programs >/dev/null
"$work/prefix/bin/medlar" devices >/dev/null
test -f "$work/prefix/share/man/man1/medlar-build.1" && test -f "$work/prefix/share/bash-completion/completions/medlar"

cmake -S "$source/examples/cpp" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CXX_FLAGS="${MEDLAR_CXX_FLAGS:-}" >/dev/null
cmake --build "$work/build"

printf 'P5 28 28 255\n' >"$work/blank.pgm"
head -c 784 /dev/zero >>"$work/blank.pgm"
"$work/build/onnx_digits" --model="$source/models/digits/digits.onnx" --image="$work/blank.pgm" --useDLACore=0 | grep -q '^predicted [0-9]$'
"$work/build/layer_by_layer" | grep -q '^sum '

if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH
  PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name medlar.pc)")
  flags=$(pkg-config --define-variable=prefix="$work/prefix" --cflags --libs medlar)
  # shellcheck disable=SC2086  # the flags are words
  "$compiler" -std=c++17 ${MEDLAR_CXX_FLAGS:-} "$source/examples/cpp/layer_by_layer.cpp" -o "$work/by_pkg_config" $flags
fi
echo "installed package: ok"
