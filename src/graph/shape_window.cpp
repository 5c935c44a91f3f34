// SPDX-License-Identifier: Apache-2.0
#include "graph/shape_window.hpp"

#include <algorithm>

#include "base/checked.hpp"

#include <fmt/ranges.h>

namespace medlar::graph {
namespace {

/// Attributes and the sizes they meet stay below this, so that sums and products of two of them fit 64 bits.
constexpr int64_t kLargest = int64_t{1} << 31;

Status check_list(const ShapeContext& context, const std::vector<int64_t>& values, std::string_view name, size_t count,
                  int64_t least) {
  if (values.size() != count) {
    return context.error("attribute {} has {} elements, must have {}", name, values.size(), count);
  }
  for (const int64_t value : values) {
    if (value < least || value >= kLargest) {
      return context.error("attribute {} is [{}]; each must be {} to {}", name, fmt::join(values, ","), least,
                           kLargest - 1);
    }
  }
  return {};
}

Result<AutoPad> read_auto_pad(const ShapeContext& context) {
  MEDLAR_ASSIGN(const std::string text, string_attribute(context.node(), "auto_pad", "NOTSET"));
  if (text == "NOTSET" || text.empty()) {
    return AutoPad::kNotSet;
  }
  if (text == "SAME_UPPER") {
    return AutoPad::kSameUpper;
  }
  if (text == "SAME_LOWER") {
    return AutoPad::kSameLower;
  }
  if (text == "VALID") {
    return AutoPad::kValid;
  }
  return context.error("attribute auto_pad is '{}', must be NOTSET, SAME_UPPER, SAME_LOWER or VALID", text);
}

}  // namespace

Result<Window> read_window(const ShapeContext& context, size_t spatial, std::vector<int64_t> kernel) {
  Window window;
  MEDLAR_ASSIGN(window.kernel, context.attrs("kernel_shape", kernel));
  MEDLAR_ASSIGN(window.strides, context.attrs("strides", std::vector<int64_t>(spatial, 1)));
  MEDLAR_ASSIGN(window.dilations, context.attrs("dilations", std::vector<int64_t>(spatial, 1)));
  MEDLAR_ASSIGN(window.pads, context.attrs("pads", std::vector<int64_t>(2 * spatial, 0)));
  MEDLAR_ASSIGN(window.auto_pad, read_auto_pad(context));
  MEDLAR_ASSIGN(const int64_t ceil_mode, context.attr("ceil_mode", 0));
  window.ceil_mode = ceil_mode != 0;
  MEDLAR_TRY(check_list(context, window.kernel, "kernel_shape", spatial, 1));
  MEDLAR_TRY(check_list(context, window.strides, "strides", spatial, 1));
  MEDLAR_TRY(check_list(context, window.dilations, "dilations", spatial, 1));
  MEDLAR_TRY(check_list(context, window.pads, "pads", 2 * spatial, 0));
  for (size_t i = 0; i < kernel.size(); ++i) {
    if (kernel[i] != kUnknownDim && kernel[i] != window.kernel[i]) {
      return context.error("attribute kernel_shape is [{}], the weights are [{}]", fmt::join(window.kernel, ","),
                           fmt::join(kernel, ","));
    }
  }
  return window;
}

Result<int64_t> window_output(const ShapeContext& context, const Window& window, size_t i, int64_t input) {
  if (input == kUnknownDim) {
    return kUnknownDim;
  }
  if (input >= kLargest) {
    return context.error("its input has a dimension of {}, must be below {}", input, kLargest);
  }
  const int64_t stride = window.strides[i];
  if (window.auto_pad == AutoPad::kSameUpper || window.auto_pad == AutoPad::kSameLower) {
    return ceil_div(input, stride);
  }
  const bool padded = window.auto_pad == AutoPad::kNotSet;
  const int64_t before = padded ? window.pads[i] : 0;
  const int64_t after = padded ? window.pads[i + window.kernel.size()] : 0;
  const int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
  const int64_t room = input + before + after - extent;
  if (room < 0) {
    return context.error("its window of {} (kernel {}, dilation {}) is larger than the padded input of {}", extent,
                         window.kernel[i], window.dilations[i], input + before + after);
  }
  if (!window.ceil_mode) {
    return room / stride + 1;
  }
  // A window that would start in the padding behind the input does not count.
  const int64_t count = ceil_div(room, stride) + 1;
  return (count - 1) * stride >= input + before ? count - 1 : count;
}

}  // namespace medlar::graph
