// SPDX-License-Identifier: Apache-2.0
// The SMMU: translation, TLB and fault records.
#include "soc/smmu.hpp"

namespace medlar::soc {

Result<BankId> Smmu::create_bank() {
  const std::lock_guard lock(mutex_);
  MEDLAR_ASSIGN(auto table, PageTable::create(memory_));
  const BankId bank = next_bank_++;
  banks_.emplace(bank, std::move(table));
  return bank;
}

void Smmu::destroy_bank(BankId bank) {
  const std::lock_guard lock(mutex_);
  for (auto& [stream, bound] : streams_) {
    bound = bound == bank ? 0 : bound;
  }
  invalidate(bank);
  banks_.erase(bank);
}

void Smmu::bind(StreamId stream, BankId bank) {
  const std::lock_guard lock(mutex_);
  streams_[stream] = bank;
}

Status Smmu::map(BankId bank, Iova iova, const Allocation& allocation, bool writable) {
  const std::lock_guard lock(mutex_);
  const auto found = banks_.find(bank);
  if (found == banks_.end()) {
    return fail(Code::kNotFound, "SMMU: no context bank {}", bank);
  }
  uint64_t done = 0;
  for (const Extent& extent : allocation.extents) {
    if (Status status = found->second->map(iova + done, extent, writable); !status) {
      found->second->unmap(iova, done);
      return status;
    }
    done += extent.bytes;
  }
  counters_.mapped_pages += done / kPageBytes;
  return {};
}

void Smmu::unmap(BankId bank, Iova iova, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = banks_.find(bank);
  if (found == banks_.end()) {
    return;
  }
  found->second->unmap(iova, bytes);
  counters_.mapped_pages -= bytes / kPageBytes;
  invalidate(bank);
}

BankId Smmu::bank_of(StreamId stream) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(stream);
  return found == streams_.end() ? 0 : found->second;
}

void Smmu::invalidate(BankId bank) {
  ++counters_.tlb_invalidations;
  for (TlbEntry& entry : tlb_) {
    if (entry.bank == bank) {
      entry = {};
    }
  }
}

void Smmu::record(FaultKind kind, StreamId stream, Iova iova, Direction direction) {
  ++counters_.faults;
  counters_.permission_faults += kind == FaultKind::kPermission ? 1 : 0;
  faults_.try_emplace(stream, Fault{kind, stream, streams_[stream], iova, direction});
}

tl::expected<Translation, FaultKind> Smmu::look_up(StreamId stream, Iova iova, Direction direction) {
  const BankId bank = streams_[stream];
  const auto found = banks_.find(bank);
  if (found == banks_.end()) {
    return tl::unexpected(FaultKind::kTranslation);
  }
  const Leaf* leaf = tlb_find(bank, iova);
  if (leaf == nullptr) {
    ++counters_.tlb_misses;
    const std::optional<Leaf> walked = found->second->walk(iova);
    if (!walked) {
      return tl::unexpected(FaultKind::kTranslation);
    }
    const uint64_t tag = iova.value / walked->bytes * walked->bytes;
    TlbEntry& entry = tlb_entry(bank, tag, walked->bytes);
    entry = {bank, tag, *walked};
    leaf = &entry.leaf;
  } else {
    ++counters_.tlb_hits;
  }
  if (direction == Direction::kWrite && !leaf->writable) {
    return tl::unexpected(FaultKind::kPermission);
  }
  const uint64_t offset = iova.value % leaf->bytes;
  return Translation{leaf->base + offset, leaf->bytes - offset};
}

Smmu::TlbEntry& Smmu::tlb_entry(BankId bank, uint64_t tag, uint64_t leaf_bytes) {
  return tlb_[(tag / leaf_bytes ^ (uint64_t{bank} * 97)) % kTlbEntries];
}

/// An entry of any leaf size that covers the address.
const Leaf* Smmu::tlb_find(BankId bank, Iova iova) {
  for (const uint64_t bytes : {kPageBytes, kMediumPageBytes, kLargePageBytes}) {
    const uint64_t tag = iova.value / bytes * bytes;
    const TlbEntry& entry = tlb_entry(bank, tag, bytes);
    if (entry.bank == bank && entry.tag == tag && entry.leaf.bytes == bytes) {
      return &entry.leaf;
    }
  }
  return nullptr;
}

std::optional<Translation> Smmu::translate(StreamId stream, Iova iova, Direction direction) {
  const std::lock_guard lock(mutex_);
  const auto found = look_up(stream, iova, direction);
  if (!found) {
    record(found.error(), stream, iova, direction);
    return std::nullopt;
  }
  return *found;
}

std::optional<Translation> Smmu::probe(StreamId stream, Iova iova, Direction direction) {
  const std::lock_guard lock(mutex_);
  const auto found = look_up(stream, iova, direction);
  return found ? std::optional(*found) : std::nullopt;
}

void Smmu::report(StreamId stream, Iova iova, Direction direction) {
  const std::lock_guard lock(mutex_);
  record(FaultKind::kTranslation, stream, iova, direction);
}

std::optional<Fault> Smmu::take_fault(StreamId stream) {
  const std::lock_guard lock(mutex_);
  const auto found = faults_.find(stream);
  if (found == faults_.end()) {
    return std::nullopt;
  }
  const Fault fault = found->second;
  faults_.erase(found);
  return fault;
}

SmmuCounters Smmu::counters() const {
  const std::lock_guard lock(mutex_);
  SmmuCounters result = counters_;
  for (const auto& [bank, table] : banks_) {
    const LeafCounts leaves = table->leaves();
    result.table_pages += table->table_pages();
    result.leaves.small += leaves.small;
    result.leaves.medium += leaves.medium;
    result.leaves.large += leaves.large;
    ++result.banks;
  }
  return result;
}

}  // namespace medlar::soc
