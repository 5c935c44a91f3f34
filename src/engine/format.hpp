// SPDX-License-Identifier: Apache-2.0
// The fixed header in front of an engine's body (drawn in engine.hpp).
#pragma once

#include <array>
#include <cstdint>

#include "engine/engine.hpp"

namespace medlar::engine {

inline constexpr std::array<char, 8> kMagic{'M', 'E', 'D', 'L', 'A', 'R', '\0', '\1'};

struct FileHeader {
  std::array<char, 8> magic = kMagic;
  uint32_t version = kEngineVersion;
  uint32_t zero = 0;
  uint64_t body_bytes = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(FileHeader) == 32);

}  // namespace medlar::engine
