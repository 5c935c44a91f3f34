// SPDX-License-Identifier: Apache-2.0
// Memory objects: the pages themselves, an address space, and a buffer that maps pages into an address space.
#pragma once

#include "soc/soc.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace medlar::driver {

/// Objects that exist now; medlar_query_counters reports them.
struct LiveCounters {
  std::atomic<uint64_t> contexts{0};
  std::atomic<uint64_t> buffers{0};
  std::atomic<uint64_t> pages{0};
  std::atomic<uint64_t> fences{0};
  std::atomic<uint64_t> mappings{0};
};

/// Physical pages, shared by every buffer, descriptor and user mapping of them (dma-buf).
class Pages {
 public:
  static Result<std::shared_ptr<Pages>> allocate(soc::Memory& memory, LiveCounters& live, soc::Pool pool,
                                                 uint64_t bytes);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  const soc::Allocation& allocation() const { return allocation_; }
  uint64_t bytes() const { return allocation_.bytes; }
  bool sram() const { return allocation_.pool == soc::Pool::kSram; }
  /// Copies out, piece by piece where the pages are scattered. The range is inside.
  void read(uint64_t offset, std::span<uint8_t> out) const;

 private:
  Pages(soc::Memory& memory, LiveCounters& live) : memory_(memory), live_(live) {}
  soc::Memory& memory_;
  LiveCounters& live_;
  soc::Allocation allocation_;
};

/// IOVAs of one context and its SMMU bank.
class AddressSpace {
 public:
  static Result<std::shared_ptr<AddressSpace>> create(soc::Soc& soc);
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  soc::BankId bank() const { return bank_; }
  Result<soc::Iova> map(const Pages& pages, bool writable);
  void unmap(soc::Iova iova, uint64_t bytes);

 private:
  AddressSpace(soc::Soc& soc, soc::BankId bank);
  soc::Soc& soc_;
  soc::BankId bank_;
  std::mutex mutex_;
  soc::ExtentAllocator iovas_;
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
