#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the driver core as Linux kernel code (object files only) against installed Debian headers.
# usage: kernel_compile.sh SOURCE_DIR WORK_DIR [HEADERS_ROOT]; exits 77 (skipped) where there are no headers.
set -eu
source=$1
work=$2
root=${3:-/usr/src}
arch=$(ls -d "$root"/linux-headers-*-amd64 2>/dev/null | sort -V | tail -1)
common=$(ls -d "$root"/linux-headers-*-common 2>/dev/null | sort -V | tail -1)
if [ -z "$arch" ] || [ -z "$common" ]; then
  echo "skipped: no linux-headers-*-amd64 and -common in $root (apt-get install linux-headers-amd64)"
  exit 77
fi
mkdir -p "$work"
includes="-I$common/arch/x86/include -I$arch/arch/x86/include/generated -I$common/include -I$arch/include \
  -I$common/arch/x86/include/uapi -I$arch/arch/x86/include/generated/uapi -I$common/include/uapi \
  -I$arch/include/generated/uapi -include $common/include/linux/compiler-version.h \
  -include $common/include/linux/kconfig.h -include $common/include/linux/compiler_types.h"
flags="-nostdinc -std=gnu11 -D__KERNEL__ -DMODULE -Wall -Wextra -Wundef -Werror -Wno-sign-compare -Wno-unused-parameter \
  -fno-strict-aliasing -fno-common -fshort-wchar -fno-PIE -mno-sse -mno-mmx -mno-sse2 -mno-3dnow -mno-avx -m64 \
  -mno-80387 -mcmodel=kernel -mno-red-zone -O2 -Wframe-larger-than=2048"
for file in "$source"/src/driver/core/*.c; do
  # shellcheck disable=SC2086
  gcc $flags $includes -I"$source/src" -c "$file" -o "$work/$(basename "$file" .c).o"
done
# The core stands on nothing but itself and what compilers call for struct copies.
foreign=$(nm -u "$work"/*.o | awk '$1 == "U" && $2 !~ /^(dla_|memcpy$|memset$)/ { print $2 }')
if [ -n "$foreign" ]; then
  echo "undefined symbols: $foreign"
  exit 1
fi
echo "$(ls "$work"/*.o | wc -l) files compile as kernel code"
