// SPDX-License-Identifier: Apache-2.0
// The memory port with a tracer in between.
#include "chip/tracer.hpp"

namespace medlar::chip {

std::span<uint8_t> TracedPort::view(Ram ram, uint64_t address, uint64_t size, Access access) {
  const std::span<uint8_t> seen = inner_.view(ram, address, size, access);
  if (seen.size() == size && size > 0) {
    access == Access::kRead ? tracer_.fetched(ram, address, seen) : tracer_.opened(ram, address, seen);
  }
  return seen;
}

Status TracedPort::read(Ram ram, uint64_t address, std::span<uint8_t> out) {
  MEDLAR_TRY(inner_.read(ram, address, out));
  tracer_.fetched(ram, address, out);
  return {};
}

Status TracedPort::write(Ram ram, uint64_t address, ByteView in) {
  MEDLAR_TRY(inner_.write(ram, address, in));
  tracer_.stored(ram, address, in);
  return {};
}

}  // namespace medlar::chip
