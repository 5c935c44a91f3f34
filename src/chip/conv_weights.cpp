// SPDX-License-Identifier: Apache-2.0
// Order and fetch of weights.
#include "chip/conv_weights.hpp"

#include <algorithm>

namespace medlar::chip {

KernelShape kernel_shape(const ConvJob& job) {
  if (job.mode == ConvMode::kImage) {
    return {.rows = job.kernel_h, .taps = 1, .depth = job.kernel_w * job.kernel_c};
  }
  return {.rows = job.kernel_h, .taps = job.kernel_w, .depth = job.kernel_c};
}

uint64_t weight_offset(const WeightGroup& group, uint32_t kernel, uint32_t row, uint32_t tap, uint32_t element) {
  const KernelShape& shape = group.shape;
  if (group.y_extension > 1) {
    const uint64_t line = shape.depth;  // taps is 1, and the line fits an atom
    const uint32_t first_row = row / group.y_extension * group.y_extension;
    const uint32_t rows = std::min(group.y_extension, shape.rows - first_row);
    return line * group.kernels * first_row + line * rows * kernel + line * (row - first_row) + element;
  }
  const uint32_t block = element / group.atomic_c;
  const uint64_t width = std::min(group.atomic_c, shape.depth - block * group.atomic_c);
  const uint64_t before = uint64_t{group.kernels} * shape.rows * shape.taps * block * group.atomic_c;
  const uint64_t tap_index = uint64_t{row} * shape.taps + tap;
  return before + (tap_index * group.kernels + kernel) * width + element % group.atomic_c;
}

Result<ByteView> fetch_weights(const ConvJob& job, KernelRange range, MemoryPort& memory, ByteBuffer& scratch) {
  const uint64_t kernel_bytes = job.kernel_elements() * job.element_bytes();
  const uint64_t address = job.weights.address + range.first * kernel_bytes;
  const uint64_t size = range.count * kernel_bytes;
  const std::span<uint8_t> direct = memory.view(job.weights.ram, address, size, Access::kRead);
  if (direct.size() == size) {
    return ByteView(direct);
  }
  scratch.resize(size);
  MEDLAR_TRY(memory.read(job.weights.ram, address, scratch));
  return ByteView(scratch);
}

}  // namespace medlar::chip
