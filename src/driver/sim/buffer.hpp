// SPDX-License-Identifier: Apache-2.0
// Memory objects: the pages themselves, an address space, and a buffer that maps pages into an address space.
#pragma once

#include "driver/sim/fence.hpp"
#include "soc/soc.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace medlar::driver {

/// Objects that exist now; medlar_query_counters reports them.
struct LiveCounters {
  std::atomic<uint64_t> contexts{0};
  std::atomic<uint64_t> buffers{0};
  std::atomic<uint64_t> pages{0};
  std::atomic<uint64_t> fences{0};
  std::atomic<uint64_t> mappings{0};
  std::atomic<uint64_t> shared_pages{0};
  // Since the start.
  std::atomic<uint64_t> copied_bytes{0};
  std::atomic<uint64_t> cpu_syncs{0};
};

/// Where pages come from.
struct Source {
  soc::Pool pool = soc::Pool::kPages;
  uint32_t bank = 0;  ///< Of SRAM.
};

/// Physical pages, shared by every buffer, descriptor and user mapping of them (dma-buf). Thread-safe.
class Pages {
 public:
  static Result<std::shared_ptr<Pages>> allocate(soc::Memory& memory, LiveCounters& live, Source source,
                                                 uint64_t bytes);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  const soc::Allocation& allocation() const { return allocation_; }
  uint64_t bytes() const { return allocation_.bytes; }
  bool sram() const { return allocation_.pool == soc::Pool::kSram; }
  /// Engines and address spaces that map them.
  uint32_t attachments() const { return attachments_; }
  void attach();
  void detach();

  /// A task of `queue` (its tasks run in order) uses the pages until its fence signals.
  void reserve(const void* queue, const std::shared_ptr<Fence>& fence, bool writes);
  /// Begins an access of the CPU: waits for tasks that write the pages (to read) or use them (to write). 0 or
  /// -MEDLAR_ETIME after `timeout_ns` of host time.
  int begin_cpu(bool writes, int64_t timeout_ns);
  /// 0, or -MEDLAR_EINVAL when no such access has begun.
  int end_cpu(bool writes);
  /// Copies out, piece by piece where the pages are scattered. The range is inside.
  void read(uint64_t offset, std::span<uint8_t> out) const;

 private:
  Pages(soc::Memory& memory, LiveCounters& live) : memory_(memory), live_(live) {}
  struct Use {
    const void* queue = nullptr;
    std::shared_ptr<Fence> fence, write_fence;  ///< Of the queue's last task, and of its last that writes.
  };
  std::vector<std::shared_ptr<Fence>> uses(bool writes);

  soc::Memory& memory_;
  LiveCounters& live_;
  soc::Allocation allocation_;
  std::atomic<uint32_t> attachments_{0};
  std::mutex mutex_;
  std::vector<Use> uses_;
  uint32_t cpu_readers_ = 0, cpu_writers_ = 0;
};

/// IOVAs of one context or engine and its SMMU bank.
class AddressSpace {
 public:
  /// `color` shifts where IOVAs begin: engines see the same pages at different addresses.
  static Result<std::shared_ptr<AddressSpace>> create(soc::Soc& soc, uint32_t color = 0);
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  soc::BankId bank() const { return bank_; }
  Result<soc::Iova> map(const Pages& pages, bool writable);
  void unmap(soc::Iova iova, uint64_t bytes);

 private:
  AddressSpace(soc::Soc& soc, soc::BankId bank, uint64_t shift);
  /// The allocator that an IOVA came from.
  soc::ExtentAllocator& iovas(uint64_t iova);
  soc::Soc& soc_;
  soc::BankId bank_;
  std::mutex mutex_;
  soc::ExtentAllocator sram_iovas_;
  soc::ExtentAllocator dram_iovas_;
};

/// Pages mapped for the device. Tasks hold their buffers, so a destroyed handle does not pull pages from
/// under them.
class Buffer {
 public:
  static Result<std::shared_ptr<Buffer>> create(std::shared_ptr<AddressSpace> space,
                                                std::shared_ptr<Pages> pages, bool writable,
                                                LiveCounters& live);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  const std::shared_ptr<Pages>& pages() const { return pages_; }
  const AddressSpace* space() const { return space_.get(); }
  soc::Iova iova() const { return iova_; }
  bool writable() const { return writable_; }

 private:
  Buffer(std::shared_ptr<AddressSpace> space, std::shared_ptr<Pages> pages, bool writable,
         LiveCounters& live);
  std::shared_ptr<AddressSpace> space_;
  std::shared_ptr<Pages> pages_;
  soc::Iova iova_;
  bool writable_;
  LiveCounters& live_;
};

}  // namespace medlar::driver
