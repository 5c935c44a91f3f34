// SPDX-License-Identifier: Apache-2.0
// Offset allocation: buffers with known lifetimes share one pool. Pure and deterministic.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medlar::compiler::back {

/// A buffer that is alive at every step of [first, last].
struct LiveRange {
  uint64_t bytes = 0;
  int first = 0, last = 0;
};

struct Allocation {
  std::vector<uint64_t> offsets;  ///< One per range.
  uint64_t bytes = 0;             ///< Of the pool.
  uint64_t lower_bound = 0;       ///< Most bytes alive at one step.
};

/// Places every range at a multiple of `alignment`, no two that are alive together overlapping. Largest-first best fit,
/// then a bounded hill climb over the placement order; stops as soon as the lower bound is met, or the pool is no larger than
/// `enough`.
Allocation allocate(std::span<const LiveRange> ranges, uint64_t alignment, uint64_t enough = 0);

/// Most bytes alive at one step, sizes rounded up to the alignment.
uint64_t allocation_lower_bound(std::span<const LiveRange> ranges, uint64_t alignment);

}  // namespace medlar::compiler::back
