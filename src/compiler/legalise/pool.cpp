// SPDX-License-Identifier: Apache-2.0
// Pooling. MaxPool and AveragePool run on the PDP; averages that reduce the whole cube, or whose window the PDP lacks,
// run as a depthwise convolution with equal weights, which keeps a scale of its own and rounds once.
#include <algorithm>

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

/// One axis of a maximum over `kernel` elements as two: first `front` elements at stride 1, then the rest.
struct AxisCut {
  int front = 1, rest = 1;
  int front_begin = 0, front_end = 0, rest_begin = 0, rest_end = 0;
};

AxisCut cut_axis(int kernel, int begin, int end) {
  const int largest = static_cast<int>(kLimits.pdp.kernel.max);
  AxisCut cut;
  cut.front = kernel > largest ? largest : 1;
  cut.rest = kernel - cut.front + 1;
  cut.front_begin = std::min(begin, cut.front - 1);
  cut.front_end = std::min(end, cut.front - 1);
  cut.rest_begin = begin - cut.front_begin;
  cut.rest_end = end - cut.front_end;
  return cut;
}

/// Windows that the PDP can do, one after the other, with the same maximum. Padding never wins, and a window that
/// begins in the padding shares its elements with the first one inside, so cutting is exact.
std::vector<Window> max_stages(Window window) {
  constexpr size_t kMostStages = 16;
  const auto large = [](int kernel) { return kernel > static_cast<int>(kLimits.pdp.kernel.max); };
  std::vector<Window> stages;
  while ((large(window.kernel_w) || large(window.kernel_h)) && stages.size() < kMostStages) {
    const AxisCut x = cut_axis(window.kernel_w, window.pad_left, window.pad_right);
    const AxisCut y = cut_axis(window.kernel_h, window.pad_top, window.pad_bottom);
    stages.push_back({.kernel_h = y.front, .kernel_w = x.front, .pad_top = y.front_begin, .pad_left = x.front_begin,
                      .pad_bottom = y.front_end, .pad_right = x.front_end});
    window.kernel_w = x.rest;
    window.kernel_h = y.rest;
    window.pad_left = x.rest_begin;
    window.pad_right = x.rest_end;
    window.pad_top = y.rest_begin;
    window.pad_bottom = y.rest_end;
  }
  stages.push_back(window);
  return stages;
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
  if (window->dilation_x != 1 || window->dilation_y != 1) {
    return check_pdp(*window);
  }
  for (const Window& stage : max_stages(*window)) {
    if (Verdict verdict = check_pdp(stage)) {
      return verdict;
    }
  }
  return std::nullopt;
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

namespace {

/// All stages but the last, each into a tensor of its own; returns the last one's source.
TensorId lower_front_stages(Lowering& lowering, const graph::Node& node, std::span<const Window> stages, TensorId src) {
  for (size_t i = 0; i < stages.size(); ++i) {
    LayerTensor between = lowering.layers.tensor(src);
    between.role = TensorRole::kIntermediate;
    between.view_of = kNoTensor;
    between.view_x = between.view_y = between.view_c = 0;
    between.name = fmt::format("{}/stage{}", node.name, i);
    between.w += stages[i].pad_left + stages[i].pad_right - stages[i].kernel_w + 1;
    between.h += stages[i].pad_top + stages[i].pad_bottom - stages[i].kernel_h + 1;
    lowering.layers.tensors.push_back(between);
    const auto dst = static_cast<TensorId>(lowering.layers.tensors.size() - 1);
    Layer layer{.name = between.name, .origins = node.origins, .src = src, .dst = dst, .body = SdpLayer{}, .steps = {}};
    fill_pdp(layer, stages[i], PoolMode::kMax);
    lowering.layers.layers.push_back(std::move(layer));
    src = dst;
  }
  return src;
}

}  // namespace

Status lower_pool(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(Window window, read_pool(lowering.question.graph, node));
  TensorId src = source_tensor(lowering, node.inputs[0]);
  if (node.op_type == "MaxPool") {
    const std::vector<Window> stages = max_stages(window);
    src = lower_front_stages(lowering, node, std::span(stages).first(stages.size() - 1), src);
    window = stages.back();
  }
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
