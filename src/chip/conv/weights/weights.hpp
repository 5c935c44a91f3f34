// SPDX-License-Identifier: Apache-2.0
// Weights in memory: their order, their fetch, and where one weight lies.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "chip/conv/job.hpp"
#include "chip/memory/memory_port.hpp"

namespace medlar::chip {

/// The kernel as the sequencer walks it: an image row is one tap of all its columns' components.
struct KernelShape {
  uint32_t rows = 0;
  uint32_t taps = 0;
  uint32_t depth = 0;  ///< Elements of one tap.
};
KernelShape kernel_shape(const ConvJob& job);

/// Element offset inside its kernel group of (kernel of the group, row, tap, element of the tap): groups of kernels;
/// in a group channel blocks of atomic C, rows, taps, kernels, channels (NVDLA: direct convolution weight format);
/// with y extension rows in groups, each kernel's rows together.
struct WeightGroup {
  uint32_t kernels = 0;  ///< Of this group; the last one may be smaller.
  KernelShape shape;
  uint32_t atomic_c = 0;
  uint32_t y_extension = 1;
};
uint64_t weight_offset(const WeightGroup& group, uint32_t kernel, uint32_t row, uint32_t tap, uint32_t element);

/// All uncompressed weights of kernels [first, first + count), in memory order. `first` starts a group. The view is
/// into memory or into `scratch`.
struct KernelRange {
  uint32_t first = 0;
  uint32_t count = 0;
};
Result<ByteView> fetch_weights(const ConvJob& job, KernelRange range, MemoryPort& memory, ByteBuffer& scratch);

/// Compressed weights, front to back: a mask of one bit per weight (WMB), the non-zero weights, and the bytes that
/// each kernel group takes of them (WGS).
class WeightDecoder {
 public:
  void start(const ConvJob& job);
  /// Weights of the next kernels; `range.first` is where the last call ended. Valid until the next call.
  Result<ByteView> next(const ConvJob& job, KernelRange range, MemoryPort& memory);

 private:
  Status decode_group(const ConvJob& job, uint32_t kernels, MemoryPort& memory);

  uint64_t mask_bit_ = 0;
  uint64_t weight_byte_ = 0;
  uint32_t group_ = 0;
  ByteBuffer weights_;
};

}  // namespace medlar::chip
