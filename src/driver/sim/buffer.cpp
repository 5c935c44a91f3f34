// SPDX-License-Identifier: Apache-2.0
// Memory objects.
#include "driver/sim/buffer.hpp"

#include "base/checked.hpp"

#include <algorithm>
#include <cstring>

namespace medlar::driver {
namespace {

/// Below stays unmapped: null pointers and small offsets from them fault.
constexpr uint64_t kFirstIova = 0x1000'0000;

uint64_t alignment_for(uint64_t bytes) {
  return bytes >= soc::kLargePageBytes ? soc::kLargePageBytes : soc::kPageBytes;
}

}  // namespace

Result<std::shared_ptr<Pages>> Pages::allocate(soc::Memory& memory, LiveCounters& live, soc::Pool pool,
                                               uint64_t bytes) {
  if (bytes == 0 || bytes > memory.config().dram_bytes) {
    return fail(Code::kResourceExhausted, "{} bytes asked, the module has {}", bytes,
                memory.config().dram_bytes);
  }
  std::shared_ptr<Pages> pages(new Pages(memory, live));
  bytes = round_up(bytes, soc::kPageBytes);
  auto allocated = memory.allocate(pool, bytes, alignment_for(bytes));
  if (!allocated && alignment_for(bytes) > soc::kPageBytes) {
    allocated = memory.allocate(pool, bytes);  // large leaves are only faster
  }
  if (!allocated) {
    return tl::unexpected<Error>(std::move(allocated).error());
  }
  pages->allocation_ = std::move(*allocated);
  live.pages += bytes / soc::kPageBytes;
  return pages;
}

Pages::~Pages() {
  if (allocation_.bytes != 0) {
    memory_.release(allocation_);
    live_.pages -= allocation_.bytes / soc::kPageBytes;
  }
}

void Pages::read(uint64_t offset, std::span<uint8_t> out) const {
  for (const soc::Extent& extent : allocation_.extents) {
    if (out.empty()) {
      return;
    }
    if (offset >= extent.bytes) {
      offset -= extent.bytes;
      continue;
    }
    const uint64_t size = std::min<uint64_t>(out.size(), extent.bytes - offset);
    std::memcpy(out.data(), memory_.bytes(extent.base + offset, size).data(), size);
    out = out.subspan(size);
    offset = 0;
  }
}

AddressSpace::AddressSpace(soc::Soc& soc, soc::BankId bank)
    : soc_(soc),
      bank_(bank),
      iovas_("IOVA space", kFirstIova, soc.iova_limit().value - kFirstIova, soc::kPageBytes) {}

Result<std::shared_ptr<AddressSpace>> AddressSpace::create(soc::Soc& soc) {
  MEDLAR_ASSIGN(const soc::BankId bank, soc.smmu().create_bank());
  return std::shared_ptr<AddressSpace>(new AddressSpace(soc, bank));
}

AddressSpace::~AddressSpace() {
  soc_.smmu().destroy_bank(bank_);
}

Result<soc::Iova> AddressSpace::map(const Pages& pages, bool writable) {
  const std::lock_guard lock(mutex_);
  // One page more than is mapped: running off the end of a buffer faults instead of reaching the next one.
  MEDLAR_ASSIGN(const auto run,
                iovas_.allocate(pages.bytes() + soc::kPageBytes, alignment_for(pages.bytes())));
  const soc::Iova iova{run.start};
  if (Status mapped = soc_.smmu().map(bank_, iova, pages.allocation(), writable); !mapped) {
    (void)iovas_.release(run.start);
    return tl::unexpected<Error>(std::move(mapped).error());
  }
  return iova;
}

void AddressSpace::unmap(soc::Iova iova, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  soc_.smmu().unmap(bank_, iova, bytes);
  (void)iovas_.release(iova.value);
}

Buffer::Buffer(std::shared_ptr<AddressSpace> space, std::shared_ptr<Pages> pages, bool writable,
               LiveCounters& live)
    : space_(std::move(space)), pages_(std::move(pages)), writable_(writable), live_(live) {
  ++live_.buffers;
}

Result<std::shared_ptr<Buffer>> Buffer::create(std::shared_ptr<AddressSpace> space,
                                               std::shared_ptr<Pages> pages, bool writable,
                                               LiveCounters& live) {
  MEDLAR_ASSIGN(const soc::Iova iova, space->map(*pages, writable));
  std::shared_ptr<Buffer> buffer(new Buffer(std::move(space), std::move(pages), writable, live));
  buffer->iova_ = iova;
  return buffer;
}

Buffer::~Buffer() {
  space_->unmap(iova_, pages_->bytes());
  --live_.buffers;
}

}  // namespace medlar::driver
