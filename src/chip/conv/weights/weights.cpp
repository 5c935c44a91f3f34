// SPDX-License-Identifier: Apache-2.0
// Order and fetch of weights.
#include "chip/conv/weights/weights.hpp"

#include <algorithm>
#include <cstring>

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

void WeightDecoder::start(const ConvJob&) {
  mask_bit_ = 0;
  weight_byte_ = 0;
  group_ = 0;
}

Status WeightDecoder::decode_group(const ConvJob& job, uint32_t kernels, MemoryPort& memory) {
  const uint64_t elements = job.kernel_elements() * kernels;
  const uint64_t unit = job.element_bytes();
  uint8_t size_bytes[4];
  MEDLAR_TRY(memory.read(job.group_sizes.ram, job.group_sizes.address + uint64_t{group_} * 4, size_bytes));
  const uint64_t size = load_le<uint32_t>(size_bytes);
  if (size > elements * unit || weight_byte_ + size > job.weights.bytes) {
    return fail(Code::kFault, "CDMA.D_WGS_ADDR_LOW: kernel group {} takes {} bytes, of {} uncompressed and {} in all", group_,
                size, elements * unit, job.weights.bytes);
  }
  ByteBuffer mask((mask_bit_ % 8 + elements + 7) / 8);
  ByteBuffer packed(size);
  MEDLAR_TRY(memory.read(job.mask.ram, job.mask.address + mask_bit_ / 8, mask));
  MEDLAR_TRY(memory.read(job.weights.ram, job.weights.address + weight_byte_, packed));
  const size_t start = weights_.size();
  weights_.resize(start + elements * unit);
  uint8_t* to = weights_.data() + start;
  uint64_t from = 0;
  for (uint64_t i = 0, bit = mask_bit_ % 8; i < elements; ++i, ++bit, to += unit) {
    if ((mask[bit / 8] >> (bit % 8) & 1) == 0) {
      continue;
    }
    if (from + unit > size) {
      return fail(Code::kFault, "CDMA.D_WGS_ADDR_LOW: kernel group {} takes {} bytes, its mask has more weights", group_, size);
    }
    std::memcpy(to, packed.data() + from, unit);
    from += unit;
  }
  if (from != size) {
    return fail(Code::kFault, "CDMA.D_WGS_ADDR_LOW: kernel group {} takes {} bytes, its mask does not", group_, size);
  }
  mask_bit_ += elements;
  weight_byte_ += size;
  ++group_;
  return {};
}

Result<ByteView> WeightDecoder::next(const ConvJob& job, KernelRange range, MemoryPort& memory) {
  weights_.clear();
  for (uint32_t k = 0; k < range.count; k += job.machine.kernels_per_group) {
    MEDLAR_TRY(decode_group(job, std::min(job.machine.kernels_per_group, range.count - k), memory));
  }
  return ByteView(weights_);
}

}  // namespace medlar::chip
