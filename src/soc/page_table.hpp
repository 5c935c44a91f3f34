// SPDX-License-Identifier: Apache-2.0
// Translation tables of one context bank: three levels of 512 entries in simulated DRAM, walked entry by
// entry.
#pragma once

#include "soc/memory.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace medlar::soc {

/// What a leaf entry says.
struct Leaf {
  Phys base;           ///< Of the page.
  uint64_t bytes = 0;  ///< 4 KiB, 64 KiB or 2 MiB.
  bool writable = false;
};

/// Leaves that are mapped now.
struct LeafCounts {
  uint64_t small = 0, medium = 0, large = 0;
};

/// Not thread-safe (the SMMU locks). Table pages come from the page pool and go back with the object.
///
///   IOVA bits  38..30 level 1 | 29..21 level 2 (2 MiB leaves) | 20..12 level 3 (4 KiB leaves) | 11..0
///
/// A 64 KiB leaf is sixteen level 3 entries with the contiguous bit: one TLB entry serves them all.
class PageTable {
 public:
  static constexpr uint64_t kIovaBits = 39;

  static Result<std::unique_ptr<PageTable>> create(Memory& memory);
  ~PageTable();
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;

  /// Maps whole pages; the largest leaves for which both sides are aligned. Fails on a page that is mapped already.
  Status map(Iova iova, Extent extent, bool writable);
  /// Unmaps pages. Part of a 64 KiB leaf leaves the rest as 4 KiB leaves; a 2 MiB leaf goes as a whole.
  void unmap(Iova iova, uint64_t bytes);
  std::optional<Leaf> walk(Iova iova) const;

  Phys root() const { return root_; }
  uint64_t table_pages() const { return tables_.size(); }
  LeafCounts leaves() const { return leaves_; }

 private:
  explicit PageTable(Memory& memory) : memory_(memory) {}
  Result<Phys> new_table();
  uint64_t* entry(Phys table, Iova iova, int level) const;
  Result<uint64_t*> entry_for_map(Iova iova, int level);
  Status map_leaf(Iova iova, Phys phys, uint64_t bytes, bool writable);
  Status map_run(Iova iova, Phys phys, bool writable);
  Result<uint64_t> map_largest(Iova iova, Extent extent, bool writable);
  void clear_leaf(Iova iova, int level, uint64_t* slot);
  void split_run(Iova iova);
  uint64_t& count_of(uint64_t bytes);

  Memory& memory_;
  Phys root_;
  std::vector<Allocation> tables_;
  LeafCounts leaves_;
};

}  // namespace medlar::soc
