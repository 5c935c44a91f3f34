// SPDX-License-Identifier: Apache-2.0
// A chip's DMA ports.
#include "soc/memory_port.hpp"

#include <algorithm>
#include <cstring>

namespace medlar::soc {
namespace {

tl::unexpected<Error> fault(chip::Ram ram, uint64_t address, Direction direction) {
  return fail(Code::kFault, "{} at IOVA {:#x} on the {} port faulted",
              direction == Direction::kRead ? "read" : "write", address,
              ram == chip::Ram::kDram ? "DRAM" : "SRAM");
}

}  // namespace

std::span<uint8_t> SocMemoryPort::piece(const Request& request) {
  Phys start;
  uint64_t done = 0;
  while (done < request.size) {
    const auto translation = smmu_.probe(stream_, {request.address + done}, request.direction);
    const bool first = done == 0;
    if (!translation || (!first && translation->phys != start + done)) {
      break;
    }
    if (first) {
      start = translation->phys;
      if (memory_.is_sram(start) != (request.ram == chip::Ram::kSram)) {
        return {};
      }
    }
    done = std::min(request.size, done + translation->run);
  }
  return memory_.bytes(start, done);
}

/// One thread moves, others only look.
void SocMemoryPort::book(Direction direction, uint64_t bytes) {
  std::atomic<uint64_t>& counter = direction == Direction::kRead ? read_bytes_ : written_bytes_;
  counter.store(counter.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

std::span<uint8_t> SocMemoryPort::access(const Request& request) {
  const std::span<uint8_t> bytes = piece(request);
  if (bytes.empty() && smmu_.translate(stream_, {request.address}, request.direction)) {
    smmu_.report(stream_, {request.address}, request.direction);  // translated, but to the other memory
  }
  return bytes;
}

std::span<uint8_t> SocMemoryPort::view(chip::Ram ram, uint64_t address, uint64_t size, chip::Access access) {
  const Direction direction = access == chip::Access::kRead ? Direction::kRead : Direction::kWrite;
  const std::span<uint8_t> whole = piece({ram, address, size, direction});
  if (whole.size() != size) {
    return {};
  }
  book(direction, size);
  return whole;
}

Status SocMemoryPort::read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) {
  for (uint64_t done = 0; done < out.size();) {
    const auto from = access({ram, address + done, out.size() - done, Direction::kRead});
    if (from.empty()) {
      return fault(ram, address + done, Direction::kRead);
    }
    std::memcpy(out.data() + done, from.data(), from.size());
    book(Direction::kRead, from.size());
    done += from.size();
  }
  return {};
}

Status SocMemoryPort::write(chip::Ram ram, uint64_t address, std::span<const uint8_t> in) {
  for (uint64_t done = 0; done < in.size();) {
    const auto to = access({ram, address + done, in.size() - done, Direction::kWrite});
    if (to.empty()) {
      return fault(ram, address + done, Direction::kWrite);
    }
    std::memcpy(to.data(), in.data() + done, to.size());
    book(Direction::kWrite, to.size());
    done += to.size();
  }
  return {};
}

}  // namespace medlar::soc
