// SPDX-License-Identifier: Apache-2.0
// Byte ranges of the memory around the chip.
#include "chip/memory/dma.hpp"

namespace medlar::chip {

Result<std::span<const uint8_t>> DmaReader::fetch(uint64_t address, uint64_t size) {
  const std::span<uint8_t> seen = port_->view(ram_, address, size, Access::kRead);
  if (seen.size() == size) {
    return std::span<const uint8_t>(seen);
  }
  copy_.resize(size);
  MEDLAR_TRY(port_->read(ram_, address, copy_));
  return std::span<const uint8_t>(copy_);
}

Result<std::span<uint8_t>> DmaWriter::open(uint64_t address, uint64_t size) {
  address_ = address;
  const std::span<uint8_t> seen = port_->view(ram_, address, size, Access::kWrite);
  copying_ = seen.size() != size;
  if (!copying_) {
    return seen;
  }
  copy_.resize(size);
  return std::span<uint8_t>(copy_);
}

Status DmaWriter::commit() {
  if (copying_) {
    MEDLAR_TRY(port_->write(ram_, address_, copy_));
  }
  return {};
}

Status check_cube_size(const char* block, int w, int h, int surfaces, uint32_t atom) {
  const uint64_t bytes = static_cast<uint64_t>(w) * static_cast<uint64_t>(h) * static_cast<uint64_t>(surfaces) * atom;
  if (bytes > kMaxCubeBytes) {
    return fail(Code::kFault, "{}: cube of {} x {} x {} surfaces has {} bytes, more than {}", block, w, h, surfaces, bytes,
                kMaxCubeBytes);
  }
  return {};
}

}  // namespace medlar::chip
