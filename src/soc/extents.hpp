// SPDX-License-Identifier: Apache-2.0
// First-fit allocator over a linear range: CMA, page pool, SRAM and IOVA space are each one of these.
#pragma once

#include "base/status.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medlar::soc {

struct ExtentStats {
  uint64_t total = 0;
  uint64_t free = 0;
  uint64_t largest_free = 0;
  uint64_t allocations = 0;  ///< Live runs.
  uint64_t most_used = 0;    ///< High-water mark, bytes.
  uint64_t failures = 0;     ///< Requests refused so far.
  /// Free runs by size: entry k counts runs of at least granule << k and less than twice that; the last, all above.
  std::array<uint64_t, 16> free_runs = {};
  /// 0 when all free space is one run; near 1 when it is dust.
  double fragmentation() const {
    return free == 0 ? 0.0 : 1.0 - static_cast<double>(largest_free) / static_cast<double>(free);
  }
};

/// Not thread-safe. Sizes are rounded up to the granule.
class ExtentAllocator {
 public:
  struct Run {
    uint64_t start = 0;
    uint64_t size = 0;
    friend bool operator==(const Run&, const Run&) = default;
  };

  /// Manages [start, start + size). `granule` is a power of two; `name` appears in errors.
  ExtentAllocator(std::string name, uint64_t start, uint64_t size, uint64_t granule);

  /// Lowest free run of `size` bytes aligned to `alignment` (a power of two). kResourceExhausted names what
  /// was asked, what is free and the largest run: "fragmented" and "full" are different troubles.
  Result<Run> allocate(uint64_t size, uint64_t alignment);
  /// `size` bytes in as many runs as it takes, lowest first.
  Result<std::vector<Run>> allocate_scattered(uint64_t size);
  /// Returns a run that allocate or allocate_scattered gave; anything else is kOutOfRange.
  Status release(uint64_t start);

  ExtentStats stats() const;

 private:
  tl::unexpected<Error> refuse(uint64_t size, std::string_view how);
  Run carve(std::map<uint64_t, uint64_t>::iterator hole, uint64_t start, uint64_t size);

  std::string name_;
  uint64_t total_;
  uint64_t granule_;
  std::map<uint64_t, uint64_t> free_;  ///< Start to size; neighbours are merged.
  std::map<uint64_t, uint64_t> used_;
  uint64_t used_bytes_ = 0, most_used_ = 0, failures_ = 0;
};

}  // namespace medlar::soc
