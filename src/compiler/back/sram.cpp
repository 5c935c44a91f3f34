// SPDX-License-Identifier: Apache-2.0
#include "compiler/back/sram.hpp"

#include <algorithm>
#include <numeric>

namespace medlar::compiler::back {
namespace {

/// Traffic saved for each byte and step of occupation.
double worth(const SramCandidate& c) {
  const double steps = c.range.last - c.range.first + 1;
  return static_cast<double>(c.traffic) / (static_cast<double>(std::max<uint64_t>(c.range.bytes, 1)) * steps);
}

std::vector<LiveRange> ranges_of(std::span<const SramCandidate> candidates, const std::vector<size_t>& chosen) {
  std::vector<LiveRange> ranges;
  for (const size_t i : chosen) {
    ranges.push_back(candidates[i].range);
  }
  return ranges;
}

}  // namespace

SramChoice choose_for_sram(std::span<const SramCandidate> candidates, uint64_t capacity, uint64_t alignment) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return worth(candidates[a]) > worth(candidates[b]); });
  SramChoice choice;
  for (const size_t candidate : order) {
    if (candidates[candidate].range.bytes > capacity || candidates[candidate].traffic == 0) {
      continue;
    }
    std::vector<size_t> next = choice.chosen;
    next.insert(std::lower_bound(next.begin(), next.end(), candidate), candidate);
    const std::vector<LiveRange> ranges = ranges_of(candidates, next);
    if (allocation_lower_bound(ranges, alignment) > capacity) {
      continue;
    }
    Allocation allocation = allocate(ranges, alignment, capacity);
    if (allocation.bytes <= capacity) {
      choice = {std::move(next), std::move(allocation)};
    }
  }
  return choice;
}

}  // namespace medlar::compiler::back
