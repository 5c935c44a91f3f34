// SPDX-License-Identifier: Apache-2.0
// Which intermediate tensors lie in on-chip memory.
#pragma once

#include "compiler/back/allocator.hpp"

namespace medlar::compiler::back {

/// A tensor with its lifetime, and the bytes that the operations move to and from it.
struct SramCandidate {
  LiveRange range;
  uint64_t traffic = 0;
};

struct SramChoice {
  std::vector<size_t> chosen;  ///< Indices of candidates, ascending.
  Allocation allocation;       ///< Offsets in the order of `chosen`.
};

/// Takes the candidates that save the most DRAM traffic for each byte and step that they occupy, as long as they fit
/// `capacity` together with those taken before.
SramChoice choose_for_sram(std::span<const SramCandidate> candidates, uint64_t capacity, uint64_t alignment);

}  // namespace medlar::compiler::back
