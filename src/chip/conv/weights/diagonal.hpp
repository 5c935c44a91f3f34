// SPDX-License-Identifier: Apache-2.0
// Depthwise layers as the convolution core gets them: as many kernels as channels, each with weights for its own channel only.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "chip/conv/job.hpp"
#include "chip/conv/weights/weights.hpp"

namespace medlar::chip {

/// True when kernel k has weights for channel k only, and `range` is all kernels of a direct convolution.
bool is_diagonal(const ConvJob& job, KernelRange range, ByteView weights);

/// Where a kernel's weights for its own channel are, in elements.
class DiagonalWeights {
 public:
  DiagonalWeights(const ConvJob& job, uint32_t kernel);
  /// `tap`: row times taps plus tap.
  uint64_t at(uint32_t tap) const { return first_ + tap * step_; }

 private:
  uint64_t first_;
  uint64_t step_;
};

}  // namespace medlar::chip
