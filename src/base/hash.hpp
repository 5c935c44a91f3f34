// SPDX-License-Identifier: Apache-2.0
// Checksums of files and buffers (XXH3, 64 bits). Not cryptographic.
#pragma once

#include "base/bytes.hpp"

namespace medlar {

uint64_t hash64(ByteView bytes, uint64_t seed = 0);

}  // namespace medlar
