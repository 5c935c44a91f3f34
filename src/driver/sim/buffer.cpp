// SPDX-License-Identifier: Apache-2.0
// Memory objects.
#include "driver/sim/buffer.hpp"

#include "base/checked.hpp"
#include "uapi/medlar_uapi.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace medlar::driver {
namespace {

/// SRAM and DRAM have IOVA ranges of their own, where NVDLA's boards have the memories, so that an address says which of
/// the chip's ports it is for. Below stays unmapped: null pointers and small offsets from them fault.
constexpr uint64_t kFirstSramIova = 0x5000'0000;
constexpr uint64_t kFirstDramIova = 0x8000'0000;

/// Distance between the first IOVAs of two colours.
constexpr uint64_t kColorStride = 0x40'0000;

uint64_t alignment_for(uint64_t bytes) {
  return bytes >= soc::kLargePageBytes    ? soc::kLargePageBytes
         : bytes >= soc::kMediumPageBytes ? soc::kMediumPageBytes
                                          : soc::kPageBytes;
}

}  // namespace

Result<std::shared_ptr<Pages>> Pages::allocate(soc::Memory& memory, LiveCounters& live, Source source,
                                               uint64_t bytes) {
  if (bytes == 0 || bytes > memory.config().dram_bytes) {
    return fail(Code::kResourceExhausted, "{} bytes asked, the module has {}", bytes,
                memory.config().dram_bytes);
  }
  std::shared_ptr<Pages> pages(new Pages(memory, live));
  bytes = round_up(bytes, soc::kPageBytes);
  auto allocated = memory.allocate(source.pool, bytes, alignment_for(bytes), source.bank);
  if (!allocated && alignment_for(bytes) > soc::kPageBytes) {
    allocated = memory.allocate(source.pool, bytes, soc::kPageBytes, source.bank);  // large leaves are only faster
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

void Pages::attach() {
  if (++attachments_ == 2) {
    live_.shared_pages += bytes() / soc::kPageBytes;
  }
}

void Pages::detach() {
  if (--attachments_ == 1) {
    live_.shared_pages -= bytes() / soc::kPageBytes;
  }
}

void Pages::reserve(const void* queue, const std::shared_ptr<Fence>& fence, bool writes) {
  const std::lock_guard lock(mutex_);
  auto use = std::find_if(uses_.begin(), uses_.end(), [&](const Use& u) { return u.queue == queue; });
  if (use == uses_.end()) {
    std::erase_if(uses_, [](const Use& u) { return u.fence->signalled(); });
    use = uses_.insert(uses_.end(), Use{queue, nullptr, nullptr});
  }
  use->fence = fence;
  if (writes) {
    use->write_fence = fence;
  }
}

std::vector<std::shared_ptr<Fence>> Pages::uses(bool writes) {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Fence>> fences;
  for (const Use& use : uses_) {
    const std::shared_ptr<Fence>& fence = writes ? use.fence : use.write_fence;
    if (fence != nullptr && !fence->signalled()) {
      fences.push_back(fence);
    }
  }
  return fences;
}

int Pages::begin_cpu(bool writes, int64_t timeout_ns) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(std::max<int64_t>(timeout_ns, 0));
  for (const std::shared_ptr<Fence>& fence : uses(writes)) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - std::chrono::steady_clock::now());
    if (!fence->wait(timeout_ns < 0 ? -1 : std::max<int64_t>(left.count(), 0))) {
      return -MEDLAR_ETIME;
    }
  }
  ++live_.cpu_syncs;
  const std::lock_guard lock(mutex_);
  ++(writes ? cpu_writers_ : cpu_readers_);
  return 0;
}

int Pages::end_cpu(bool writes) {
  const std::lock_guard lock(mutex_);
  uint32_t& open = writes ? cpu_writers_ : cpu_readers_;
  if (open == 0) {
    return -MEDLAR_EINVAL;
  }
  --open;
  return 0;
}

void Pages::read(uint64_t offset, std::span<uint8_t> out) const {
  live_.copied_bytes += out.size();
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

AddressSpace::AddressSpace(soc::Soc& soc, soc::BankId bank, uint64_t shift)
    : soc_(soc),
      bank_(bank),
      sram_iovas_("IOVA space of SRAM", kFirstSramIova + shift, kFirstDramIova - kFirstSramIova - shift, soc::kPageBytes),
      dram_iovas_("IOVA space", kFirstDramIova + shift, soc.iova_limit().value - kFirstDramIova - shift, soc::kPageBytes) {}

soc::ExtentAllocator& AddressSpace::iovas(uint64_t iova) {
  return iova < kFirstDramIova ? sram_iovas_ : dram_iovas_;
}

Result<std::shared_ptr<AddressSpace>> AddressSpace::create(soc::Soc& soc, uint32_t color) {
  MEDLAR_ASSIGN(const soc::BankId bank, soc.smmu().create_bank());
  return std::shared_ptr<AddressSpace>(new AddressSpace(soc, bank, color * kColorStride));
}

AddressSpace::~AddressSpace() {
  soc_.smmu().destroy_bank(bank_);
}

Result<soc::Iova> AddressSpace::map(const Pages& pages, bool writable) {
  const std::lock_guard lock(mutex_);
  // One page more than is mapped: running off the end of a buffer faults instead of reaching the next one.
  MEDLAR_ASSIGN(const auto run,
                (pages.sram() ? sram_iovas_ : dram_iovas_).allocate(pages.bytes() + soc::kPageBytes, alignment_for(pages.bytes())));
  const soc::Iova iova{run.start};
  if (Status mapped = soc_.smmu().map(bank_, iova, pages.allocation(), writable); !mapped) {
    (void)iovas(run.start).release(run.start);
    return tl::unexpected<Error>(std::move(mapped).error());
  }
  return iova;
}

void AddressSpace::unmap(soc::Iova iova, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  soc_.smmu().unmap(bank_, iova, bytes);
  (void)iovas(iova.value).release(iova.value);
}

Buffer::Buffer(std::shared_ptr<AddressSpace> space, std::shared_ptr<Pages> pages, bool writable,
               LiveCounters& live)
    : space_(std::move(space)), pages_(std::move(pages)), writable_(writable), live_(live) {
  ++live_.buffers;
  pages_->attach();
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
  pages_->detach();
  --live_.buffers;
}

}  // namespace medlar::driver
