// SPDX-License-Identifier: Apache-2.0
// Translation tables of one context bank.
#include "soc/page_table.hpp"

#include <algorithm>

namespace medlar::soc {
namespace {

// Entry bits in the manner of the Arm long-descriptor format.
constexpr uint64_t kValid = 1u << 0;
constexpr uint64_t kTable = 1u << 1;     // levels 1 and 2: next table; clear: a block
constexpr uint64_t kReadOnly = 1u << 7;  // AP[2]
constexpr uint64_t kContiguous = uint64_t{1} << 52;
constexpr uint64_t kAddress = 0x0000'ffff'ffff'f000;
constexpr uint64_t kRunEntries = kMediumPageBytes / kPageBytes;

constexpr int kLevels = 3;
constexpr int shift_of(int level) {
  return 12 + 9 * (kLevels - level);
}

}  // namespace

Result<std::unique_ptr<PageTable>> PageTable::create(Memory& memory) {
  std::unique_ptr<PageTable> table(new PageTable(memory));
  MEDLAR_ASSIGN(table->root_, table->new_table());
  return table;
}

PageTable::~PageTable() {
  for (const Allocation& table : tables_) {
    memory_.release(table);
  }
}

Result<Phys> PageTable::new_table() {
  MEDLAR_ASSIGN(Allocation page, memory_.allocate(Pool::kPages, kPageBytes));
  tables_.push_back(page);
  return page.extents.front().base;
}

uint64_t* PageTable::entry(Phys table, Iova iova, int level) const {
  const uint64_t index = (iova.value >> shift_of(level)) & 511;
  return reinterpret_cast<uint64_t*>(memory_.bytes(table, kPageBytes).data()) + index;
}

Result<uint64_t*> PageTable::entry_for_map(Iova iova, int level) {
  Phys table = root_;
  for (int at = 1; at < level; ++at) {
    uint64_t* slot = entry(table, iova, at);
    if ((*slot & kValid) == 0) {
      MEDLAR_ASSIGN(Phys next, new_table());
      *slot = next.value | kTable | kValid;
    } else if ((*slot & kTable) == 0) {
      return fail(Code::kAlreadyExists, "IOVA {:#x} lies in a mapped block", iova.value);
    }
    table = {*slot & kAddress};
  }
  return entry(table, iova, level);
}

Status PageTable::map_leaf(Iova iova, Phys phys, uint64_t bytes, bool writable) {
  const int level = bytes == kLargePageBytes ? 2 : 3;
  MEDLAR_ASSIGN(uint64_t * slot, entry_for_map(iova, level));
  if ((*slot & kValid) != 0) {
    // An empty table below stays valid after unmapping; a block goes in its place only when the table is
    // empty.
    return fail(Code::kAlreadyExists, "IOVA {:#x} is mapped already", iova.value);
  }
  *slot = phys.value | kValid | (level == 3 ? kTable : 0) | (writable ? 0 : kReadOnly);
  ++count_of(bytes);
  return {};
}

uint64_t& PageTable::count_of(uint64_t bytes) {
  return bytes == kLargePageBytes ? leaves_.large : bytes == kMediumPageBytes ? leaves_.medium : leaves_.small;
}

/// Sixteen entries at once; none of them may be in use.
Status PageTable::map_run(Iova iova, Phys phys, bool writable) {
  MEDLAR_ASSIGN(uint64_t * slot, entry_for_map(iova, kLevels));
  for (uint64_t i = 0; i < kRunEntries; ++i) {
    if ((slot[i] & kValid) != 0) {
      return fail(Code::kAlreadyExists, "IOVA {:#x} is mapped already", iova.value + i * kPageBytes);
    }
  }
  for (uint64_t i = 0; i < kRunEntries; ++i) {
    slot[i] = (phys.value + i * kPageBytes) | kContiguous | kValid | kTable | (writable ? 0 : kReadOnly);
  }
  ++leaves_.medium;
  return {};
}

/// What is left of a 64 KiB leaf when a page of it goes.
void PageTable::split_run(Iova iova) {
  const Iova first{iova.value / kMediumPageBytes * kMediumPageBytes};
  Phys table = root_;
  for (int level = 1; level < kLevels; ++level) {
    table = {*entry(table, first, level) & kAddress};
  }
  uint64_t* slot = entry(table, first, kLevels);
  for (uint64_t i = 0; i < kRunEntries; ++i) {
    slot[i] &= ~kContiguous;
  }
  --leaves_.medium;
  leaves_.small += kRunEntries;
}

void PageTable::clear_leaf(Iova iova, int level, uint64_t* slot) {
  if ((*slot & kValid) == 0) {
    return;
  }
  if (level == kLevels && (*slot & kContiguous) != 0) {
    split_run(iova);
  }
  --count_of(level == kLevels ? kPageBytes : kLargePageBytes);
  *slot = 0;
}

/// Maps one leaf at the start of the extent; its size.
Result<uint64_t> PageTable::map_largest(Iova iova, Extent extent, bool writable) {
  const auto fits = [&](uint64_t leaf) {
    return iova.value % leaf == 0 && extent.base.value % leaf == 0 && extent.bytes >= leaf;
  };
  if (fits(kLargePageBytes) && map_leaf(iova, extent.base, kLargePageBytes, writable)) {
    return kLargePageBytes;
  }
  if (fits(kMediumPageBytes) && map_run(iova, extent.base, writable)) {
    return kMediumPageBytes;
  }
  MEDLAR_TRY(map_leaf(iova, extent.base, kPageBytes, writable));
  return kPageBytes;
}

Status PageTable::map(Iova iova, Extent extent, bool writable) {
  if (iova.value % kPageBytes != 0 || extent.base.value % kPageBytes != 0 || extent.bytes % kPageBytes != 0 ||
      iova.value + extent.bytes > (uint64_t{1} << kIovaBits)) {
    return fail(Code::kInvalidArgument, "cannot map {} bytes at IOVA {:#x} to {:#x}", extent.bytes,
                iova.value, extent.base.value);
  }
  uint64_t done = 0;
  while (done < extent.bytes) {
    const auto step = map_largest(iova + done, {extent.base + done, extent.bytes - done}, writable);
    if (!step) {
      unmap(iova, done);
      return tl::unexpected<Error>(step.error());
    }
    done += *step;
  }
  return {};
}

void PageTable::unmap(Iova iova, uint64_t bytes) {
  uint64_t done = 0;
  while (done < bytes) {
    Phys table = root_;
    uint64_t step = kPageBytes;
    for (int level = 1; level <= kLevels; ++level) {
      uint64_t* slot = entry(table, iova + done, level);
      const bool leaf = level == kLevels || (*slot & kTable) == 0;
      if ((*slot & kValid) == 0 || leaf) {
        step = uint64_t{1} << shift_of(level);
        clear_leaf(iova + done, level, slot);
        break;
      }
      table = {*slot & kAddress};
    }
    done += step - (iova.value + done) % step;
  }
}

std::optional<Leaf> PageTable::walk(Iova iova) const {
  if (iova.value >> kIovaBits != 0) {
    return std::nullopt;
  }
  Phys table = root_;
  for (int level = 1; level <= kLevels; ++level) {
    const uint64_t slot = *entry(table, iova, level);
    if ((slot & kValid) == 0) {
      return std::nullopt;
    }
    if (level == kLevels || (slot & kTable) == 0) {
      const bool run = level == kLevels && (slot & kContiguous) != 0;
      const uint64_t bytes = run ? kMediumPageBytes : uint64_t{1} << shift_of(level);
      return Leaf{{(slot & kAddress) / bytes * bytes}, bytes, (slot & kReadOnly) == 0};
    }
    table = {slot & kAddress};
  }
  return std::nullopt;
}

}  // namespace medlar::soc
