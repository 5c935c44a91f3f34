// SPDX-License-Identifier: Apache-2.0
// Sliding windows of convolutions and pools: their attributes, and output sizes. Private to this folder.
#pragma once

#include "graph/shape_context.hpp"

namespace medlar::graph {

enum class AutoPad : uint8_t { kNotSet, kSameUpper, kSameLower, kValid };

/// One number a spatial dimension; pads hold all beginnings, then all ends.
struct Window {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;
  AutoPad auto_pad = AutoPad::kNotSet;
  bool ceil_mode = false;
};

/// Reads and checks the attributes; `kernel` is what the weights say (empty for pools, which carry kernel_shape).
Result<Window> read_window(const ShapeContext& context, size_t spatial, std::vector<int64_t> kernel);
/// Output size of spatial dimension `i` of a convolution or pool.
Result<int64_t> window_output(const ShapeContext& context, const Window& window, size_t i, int64_t input);

}  // namespace medlar::graph
