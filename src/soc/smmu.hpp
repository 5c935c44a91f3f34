// SPDX-License-Identifier: Apache-2.0
// The SMMU: streams (one an engine) bound to context banks (one an address space), a TLB with counters, fault
// records.
#pragma once

#include "soc/page_table.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace medlar::soc {

using StreamId = uint32_t;
using BankId = uint32_t;  ///< Context bank; 0 is none.

/// Engines that share memory with the DLA. DLA core n has stream n + 1.
inline constexpr StreamId kGpuStream = 0x20, kCpuStream = 0x21, kIspStream = 0x22, kViStream = 0x23;

enum class Direction : uint8_t { kRead, kWrite };
enum class FaultKind : uint8_t { kTranslation, kPermission };

/// What the fault registers of a stream hold: the first fault since it was read.
struct Fault {
  FaultKind kind = FaultKind::kTranslation;
  StreamId stream = 0;
  BankId bank = 0;
  Iova iova;
  Direction direction = Direction::kRead;
};

struct SmmuCounters {
  uint64_t tlb_hits = 0;
  uint64_t tlb_misses = 0;
  uint64_t tlb_invalidations = 0;
  uint64_t faults = 0;  ///< Translation and permission faults.
  uint64_t permission_faults = 0;
  uint64_t mapped_pages = 0;  ///< Now, in 4 KiB pages over all banks.
  uint64_t table_pages = 0;   ///< Now.
  uint64_t banks = 0;         ///< Now.
  LeafCounts leaves;          ///< Now.
};

/// Where an access lands and how many bytes follow in the same leaf.
struct Translation {
  Phys phys;
  uint64_t run = 0;
};

/// Thread-safe.
class Smmu {
 public:
  explicit Smmu(Memory& memory) : memory_(memory) {}

  Result<BankId> create_bank();
  void destroy_bank(BankId bank);
  /// Connects a stream to a bank; 0 disconnects (every access then faults).
  void bind(StreamId stream, BankId bank);
  BankId bank_of(StreamId stream) const;

  Status map(BankId bank, Iova iova, const Allocation& allocation, bool writable);
  void unmap(BankId bank, Iova iova, uint64_t bytes);

  /// An access: empty after a fault, which is then recorded for the stream.
  std::optional<Translation> translate(StreamId stream, Iova iova, Direction direction);
  /// Asks what an access would do; records nothing.
  std::optional<Translation> probe(StreamId stream, Iova iova, Direction direction);
  /// Records a translation fault that the bus behind the SMMU found (no memory answers there).
  void report(StreamId stream, Iova iova, Direction direction);
  /// Reads and clears the fault record of a stream.
  std::optional<Fault> take_fault(StreamId stream);

  SmmuCounters counters() const;

 private:
  struct TlbEntry {
    BankId bank = 0;
    uint64_t tag = 0;  ///< First byte of the leaf.
    Leaf leaf;
  };
  TlbEntry& tlb_entry(BankId bank, uint64_t tag, uint64_t leaf_bytes);
  const Leaf* tlb_find(BankId bank, Iova iova);
  tl::expected<Translation, FaultKind> look_up(StreamId stream, Iova iova, Direction direction);
  void record(FaultKind kind, StreamId stream, Iova iova, Direction direction);
  void invalidate(BankId bank);

  static constexpr size_t kTlbEntries = 1024;
  Memory& memory_;
  mutable std::mutex mutex_;
  BankId next_bank_ = 1;
  std::map<BankId, std::unique_ptr<PageTable>> banks_;
  std::map<StreamId, BankId> streams_;
  std::map<StreamId, Fault> faults_;
  std::array<TlbEntry, kTlbEntries> tlb_{};
  SmmuCounters counters_;
};

}  // namespace medlar::soc
