// SPDX-License-Identifier: Apache-2.0
// Pooling. MaxPool and AveragePool run on the PDP; averages that reduce the whole cube, or whose window the PDP lacks,
// run as a depthwise convolution with equal weights, which keeps a scale of its own and rounds once.
#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

using hw::kLimits;

Result<Window> read_pool(const graph::Graph& graph, const graph::Node& node) {
  MEDLAR_ASSIGN(const std::vector<int64_t> kernel, graph::ints_attribute(node, "kernel_shape", {}));
  if (kernel.empty() || kernel.size() > 2) {
    return fail(Code::kUnsupported, "kernel_shape has {} axes, possible are 1 and 2", kernel.size());
  }
  return read_window(node, *graph.value(node.inputs[0]).shape, *graph.value(node.outputs[0]).shape, kernel);
}

/// What keeps a window off the PDP.
Verdict check_pdp(const Window& window) {
  const hw::PdpLimits& limits = kLimits.pdp;
  const struct { Reason reason; std::string_view name; int value; hw::Range range; } rules[] = {
      {Reason::kPoolWindow, "window width", window.kernel_w, limits.kernel},
      {Reason::kPoolWindow, "window height", window.kernel_h, limits.kernel},
      {Reason::kStride, "horizontal stride", window.stride_x, limits.stride},
      {Reason::kStride, "vertical stride", window.stride_y, limits.stride},
      {Reason::kPadding, "left padding", window.pad_left, limits.pad},
      {Reason::kPadding, "right padding", window.pad_right, limits.pad},
      {Reason::kPadding, "top padding", window.pad_top, limits.pad},
      {Reason::kPadding, "bottom padding", window.pad_bottom, limits.pad}};
  for (const auto& rule : rules) {
    if (rule.value < 0 || !rule.range.contains(static_cast<uint64_t>(rule.value))) {
      return Refusal{rule.reason,
                     fmt::format("{} is {}, possible are {} to {}", rule.name, rule.value, rule.range.min, rule.range.max),
                     ""};
    }
  }
  if (window.pad_left >= window.kernel_w || window.pad_top >= window.kernel_h) {
    return Refusal{Reason::kPadding, fmt::format("padding {},{} covers the whole window", window.pad_left, window.pad_top),
                   ""};
  }
  if (window.dilation_x != 1 || window.dilation_y != 1) {
    return Refusal{Reason::kDilation, fmt::format("dilation is {},{}, possible is 1", window.dilation_x, window.dilation_y),
                   ""};
  }
  return std::nullopt;
}

bool padded(const Window& window) {
  return window.pad_left > 0 || window.pad_right > 0 || window.pad_top > 0 || window.pad_bottom > 0;
}

/// Averages that end in a single value per channel keep their precision only with a scale of their own.
bool average_as_conv(const Window& window, const Cube& out) {
  return (out.w == 1 && out.h == 1) || check_pdp(window).has_value();
}

void fill_pdp(Layer& layer, const Window& window, PoolMode mode) {
  layer.body = PoolLayer{PoolOp{.mode = mode, .kernel_w = window.kernel_w, .kernel_h = window.kernel_h,
                                .stride_x = window.stride_x, .stride_y = window.stride_y,
                                .pad_left = window.pad_left, .pad_right = window.pad_right,
                                .pad_top = window.pad_top, .pad_bottom = window.pad_bottom, .pad_value = 0}};
}

void fill_average_conv(Layer& layer, const Window& window, int channels) {
  const size_t taps = static_cast<size_t>(window.kernel_w) * static_cast<size_t>(window.kernel_h);
  layer.body = ConvLayer{.k = channels, .c = channels, .r = window.kernel_h, .s = window.kernel_w, .groups = channels,
                         .weights = std::vector<float>(static_cast<size_t>(channels) * taps, 1.0f / static_cast<float>(taps)),
                         .stride_x = window.stride_x, .stride_y = window.stride_y,
                         .dilation_x = window.dilation_x, .dilation_y = window.dilation_y,
                         .pad_left = window.pad_left, .pad_right = window.pad_right,
                         .pad_top = window.pad_top, .pad_bottom = window.pad_bottom};
}

Window global_window(const Cube& cube) { return {.kernel_h = cube.h, .kernel_w = cube.w}; }

}  // namespace

Verdict check_max_pool(const Question& question, const graph::Node& node) {
  if (!question.config.pdp) {
    return Refusal{Reason::kMissingUnit, "PDP", ""};
  }
  if (node.outputs.size() > 1 && node.outputs[1] != graph::kNoValue) {
    return Refusal{Reason::kAttribute, "the indices output is used", ""};
  }
  const auto window = read_pool(question.graph, node);
  if (!window) {
    return Refusal{Reason::kAttribute, window.error().message, ""};
  }
  return check_pdp(*window);
}

Verdict check_average_pool(const Question& question, const graph::Node& node) {
  const auto window = read_pool(question.graph, node);
  if (!window) {
    return Refusal{Reason::kAttribute, window.error().message, ""};
  }
  const auto include = graph::int_attribute(node, "count_include_pad", 0);
  const auto ceil_mode = graph::int_attribute(node, "ceil_mode", 0);
  if (!include || !ceil_mode) {
    return Refusal{Reason::kAttribute, "count_include_pad or ceil_mode is not an integer", ""};
  }
  if (padded(*window) && (*include == 0 || *ceil_mode != 0)) {
    return Refusal{Reason::kExcludePad, "the chip divides by the full window", "set count_include_pad=1 and ceil_mode=0"};
  }
  const Cube out = cube_of(*question.graph.value(node.outputs[0]).shape);
  if (average_as_conv(*window, out)) {
    return check_conv_window(question, *window, 1);
  }
  return question.config.pdp ? Verdict{} : Refusal{Reason::kMissingUnit, "PDP", ""};
}

Status lower_pool(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Window window, read_pool(lowering.question.graph, node));
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  Layer& layer = add_layer(lowering, node, src, out);
  if (node.op_type == "MaxPool") {
    fill_pdp(layer, window, PoolMode::kMax);
  } else if (average_as_conv(window, out)) {
    fill_average_conv(layer, window, out.c);
  } else {
    fill_pdp(layer, window, PoolMode::kAverage);
  }
  return {};
}

Verdict check_global_average(const Question& question, const graph::Node& node) {
  return check_conv_window(question, global_window(cube_of(*question.graph.value(node.inputs[0]).shape)), 1);
}

Status lower_global_average(Lowering& lowering, const graph::Node& node) {
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(src);
  const Cube cube{.w = in.w, .h = in.h, .c = in.c};
  fill_average_conv(add_layer(lowering, node, src, Cube{.w = 1, .h = 1, .c = cube.c}), global_window(cube), cube.c);
  return {};
}

}  // namespace medlar::compiler
