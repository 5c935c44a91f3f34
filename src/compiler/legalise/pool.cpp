// SPDX-License-Identifier: Apache-2.0
// Pooling. MaxPool and AveragePool run on the PDP; averages that reduce the whole cube in INT8, or whose window the PDP
// lacks, run as a depthwise convolution with equal weights, which keeps a scale of its own and rounds once. An average whose
// divisor depends on the position is one operation for each divisor, each on a window of source and result.
#include <algorithm>
#include <span>

#include "compiler/legalise/pool_window.hpp"
#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

using hw::kLimits;

constexpr size_t kMostRegions = 81;

Result<Window> read_pool(const graph::Graph& graph, const graph::Node& node) {
  MEDLAR_ASSIGN(const std::vector<int64_t> kernel, graph::ints_attribute(node, "kernel_shape", {}));
  if (kernel.empty() || kernel.size() > 2) {
    return fail(Code::kUnsupported, "kernel_shape has {} axes, possible are 1 and 2", kernel.size());
  }
  return read_window(node, *graph.value(node.inputs[0]).shape, *graph.value(node.outputs[0]).shape, kernel);
}

void fill_pdp(Layer& layer, const Window& window, PoolMode mode) {
  layer.body = PoolLayer{PoolOp{.mode = mode, .kernel_w = window.kernel_w, .kernel_h = window.kernel_h,
                                .stride_x = window.stride_x, .stride_y = window.stride_y,
                                .pad_left = window.pad_left, .pad_right = window.pad_right,
                                .pad_top = window.pad_top, .pad_bottom = window.pad_bottom, .pad_value = 0}};
}

/// Depthwise convolution whose weights are all `weight`.
void fill_average_conv(Layer& layer, const Window& window, int channels, double weight) {
  const size_t taps = static_cast<size_t>(window.kernel_w) * static_cast<size_t>(window.kernel_h);
  layer.body = ConvLayer{.k = channels, .c = channels, .r = window.kernel_h, .s = window.kernel_w, .groups = channels,
                         .weights = std::vector<float>(static_cast<size_t>(channels) * taps, static_cast<float>(weight)),
                         .stride_x = window.stride_x, .stride_y = window.stride_y,
                         .dilation_x = window.dilation_x, .dilation_y = window.dilation_y,
                         .pad_left = window.pad_left, .pad_right = window.pad_right,
                         .pad_top = window.pad_top, .pad_bottom = window.pad_bottom};
}

double taps_of(const Window& window) { return static_cast<double>(window.kernel_w) * window.kernel_h; }

/// An average as the operations that compute it.
struct Average {
  Window window;
  std::vector<AxisRegion> rows, columns;
  bool whole() const { return rows.size() == 1 && columns.size() == 1; }
};

/// Padding at the ends as the node states it; read_window() derives it from the output size instead.
std::pair<int, int> stated_end_pads(const graph::Node& node, const Window& window) {
  const auto mode = graph::string_attribute(node, "auto_pad", "NOTSET");
  if (!mode || (*mode != "NOTSET" && !mode->empty())) {
    return {*mode == "VALID" ? 0 : window.pad_bottom, *mode == "VALID" ? 0 : window.pad_right};
  }
  const auto pads = graph::ints_attribute(node, "pads", {});
  if (!pads || pads->empty()) {
    return {0, 0};
  }
  const auto right = static_cast<int>(pads->back());
  return pads->size() == 4 ? std::pair{static_cast<int>((*pads)[2]), right} : std::pair{0, right};
}

/// Until opset 18, ONNX Runtime divides by the whole window even where ceil_mode lets it hang over the padding; from 19 on
/// the part beyond does not count.
bool clips_windows(const graph::Graph& graph) {
  constexpr int64_t kFirst = 19;
  const auto opset = graph.opsets.find("");
  return opset == graph.opsets.end() || opset->second >= kFirst;
}

Result<Average> read_average(const graph::Graph& graph, const graph::Node& node) {
  Average average;
  MEDLAR_ASSIGN(average.window, read_pool(graph, node));
  MEDLAR_ASSIGN(const int64_t include, graph::int_attribute(node, "count_include_pad", 0));
  const Window& w = average.window;
  const Cube in = cube_of(*graph.value(node.inputs[0]).shape);
  const Cube out = cube_of(*graph.value(node.outputs[0]).shape);
  auto [bottom, right] = stated_end_pads(node, w);
  if (!clips_windows(graph)) {
    bottom = w.pad_bottom;
    right = w.pad_right;
  }
  average.rows = average_regions({.in = in.h, .out = out.h, .kernel = w.kernel_h, .stride = w.stride_y, .pad_begin = w.pad_top,
                                  .pad_end = bottom, .counts_padding = include != 0});
  average.columns = average_regions({.in = in.w, .out = out.w, .kernel = w.kernel_w, .stride = w.stride_x,
                                     .pad_begin = w.pad_left, .pad_end = right, .counts_padding = include != 0});
  return average;
}

bool padded(const Window& w) { return w.pad_left > 0 || w.pad_right > 0 || w.pad_top > 0 || w.pad_bottom > 0; }

/// One region's window, and where its source begins.
struct Region {
  Window window;
  Corner corner;   ///< Of the source.
  Cube in, out;
};

/// `begin` and `end`: padding that lies inside of the region's windows.
struct Span {
  int start = 0, size = 0, begin = 0, end = 0;
};

Span span_of(const AxisRegion& region, int stride, int size) {
  const int last = region.start + (region.count - 1) * stride + region.kernel;
  const int from = std::max(region.start, 0);
  const int to = std::min(last, size);
  return {.start = from, .size = std::max(to - from, 1), .begin = from - region.start, .end = last - to};
}

Region make_region(const Window& whole, const AxisRegion& row, const AxisRegion& column, const Cube& in) {
  const Span y = span_of(row, whole.stride_y, in.h);
  const Span x = span_of(column, whole.stride_x, in.w);
  return {.window = {.kernel_h = row.kernel, .kernel_w = column.kernel,
                     .stride_y = row.count > 1 ? whole.stride_y : 1, .stride_x = column.count > 1 ? whole.stride_x : 1,
                     .pad_top = y.begin, .pad_left = x.begin, .pad_bottom = y.end, .pad_right = x.end},
          .corner = {.x = x.start, .y = y.start, .c = 0},
          .in = {.w = x.size, .h = y.size, .c = in.c},
          .out = {.w = column.count, .h = row.count, .c = in.c}};
}

std::vector<Region> regions_of(const Average& average, const Cube& in) {
  std::vector<Region> regions;
  for (const AxisRegion& row : average.rows) {
    for (const AxisRegion& column : average.columns) {
      regions.push_back(make_region(average.window, row, column, in));
    }
  }
  return regions;
}

/// Averages that end in a single value per channel keep their precision only with a scale of their own.
bool average_as_conv(const Question& question, const Window& window, const Cube& out) {
  return (out.w == 1 && out.h == 1) || !question.config.pdp || check_pdp(window).has_value();
}

Verdict check_regions(const Question& question, const Average& average, const Cube& in, const Cube& out) {
  const size_t count = average.rows.size() * average.columns.size();
  if (count > kMostRegions) {
    return Refusal{Reason::kExcludePad, fmt::format("{} different divisors, limit {}", count, kMostRegions),
                   "set count_include_pad=1 and ceil_mode=0"};
  }
  for (const Region& region : regions_of(average, in)) {
    if (region.window.kernel_h < 1 || region.window.kernel_w < 1) {
      return Refusal{Reason::kPadding, "a window lies in the padding alone", ""};
    }
    if (average_as_conv(question, region.window, out)) {
      if (Verdict verdict = check_conv_window(question, region.window, 1)) {
        return verdict;
      }
    }
  }
  return std::nullopt;
}

/// All stages but the last, each into a tensor of its own; returns the last one's source.
template <typename Fill>
TensorId lower_front_stages(Lowering& lowering, const graph::Node& node, std::span<const Window> stages, TensorId src,
                            const Fill& fill) {
  const std::string range = lowering.layers.tensor(src).range;
  for (size_t i = 0; i < stages.size(); ++i) {
    const Window& w = stages[i];
    Cube size = size_of(lowering.layers.tensor(src));
    size.w = (size.w + w.pad_left + w.pad_right - w.kernel_w) / w.stride_x + 1;
    size.h = (size.h + w.pad_top + w.pad_bottom - w.kernel_h) / w.stride_y + 1;
    const std::string part = fmt::format("stage{}", i);
    const TensorId dst = inner_tensor(lowering, node.name + "/" + part, range, size);
    fill(add_part(lowering, node, part, src, dst), w);
    src = dst;
  }
  return src;
}

const auto kFillMax = [](Layer& layer, const Window& window) { fill_pdp(layer, window, PoolMode::kMax); };

Verdict check_max_windows(const Question& question, std::span<const Window> stages) {
  if (!question.config.pdp) {
    return Refusal{Reason::kMissingUnit, "PDP", ""};
  }
  for (const Window& stage : stages) {
    if (Verdict verdict = check_pdp(stage)) {
      return verdict;
    }
  }
  return std::nullopt;
}

int largest_pool() { return static_cast<int>(kLimits.pdp.kernel.max); }
int largest_kernel() { return static_cast<int>(kLimits.conv.kernel.max); }

}  // namespace

Verdict check_max_pool(const Question& question, const graph::Node& node) {
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
  return check_max_windows(question, max_stages(*window));
}

Status lower_max_pool(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Window window, read_pool(lowering.question.graph, node));
  const std::vector<Window> stages = max_stages(window);
  const TensorId src = lower_front_stages(lowering, node, std::span(stages).first(stages.size() - 1),
                                          source_tensor(lowering, node.inputs[0]), kFillMax);
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  fill_pdp(add_layer(lowering, node, src, out), stages.back(), PoolMode::kMax);
  return {};
}

namespace {

/// Averages that the PDP takes of whole axes: half precision has no scale to lose, and an operation on all channels is
/// many times faster than a convolution for every atom of them. Empty where they do not come out even.
std::vector<Window> pdp_average_stages(const Question& question, const Window& window) {
  const bool floats = question.precision == hw::Precision::kFp16 && question.config.pdp;
  return floats ? even_stages(window.kernel_w, window.kernel_h, largest_pool()) : std::vector<Window>{};
}

/// The stages of an average by convolutions. In half precision the last one goes axis by axis: a dense kernel would load as
/// many weights as it has taps for a single output. (In INT8 simplify/split_averages has done so.)
std::vector<Window> conv_average_stages(const Question& question, const Window& window) {
  std::vector<Window> stages = global_stages(window.kernel_w, window.kernel_h, largest_kernel());
  const Window last = stages.back();
  if (question.precision == hw::Precision::kFp16 && last.kernel_w > 1 && last.kernel_h > 1) {
    stages.back() = {.kernel_h = 1, .kernel_w = last.kernel_w};
    stages.push_back({.kernel_h = last.kernel_h, .kernel_w = 1});
  }
  return stages;
}

Verdict check_whole_average(const Question& question, const Window& window) {
  if (!pdp_average_stages(question, window).empty()) {
    return std::nullopt;
  }
  for (const Window& stage : conv_average_stages(question, window)) {
    if (Verdict verdict = check_conv_window(question, stage, 1)) {
      return verdict;
    }
  }
  return std::nullopt;
}

Status lower_whole_average(Lowering& lowering, const graph::Node& node, const Window& window) {
  const TensorId first = source_tensor(lowering, node.inputs[0]);
  const Cube in = size_of(lowering.layers.tensor(first));
  const Cube out{.w = in.w / window.kernel_w, .h = in.h / window.kernel_h, .c = in.c};
  if (const std::vector<Window> even = pdp_average_stages(lowering.question, window); !even.empty()) {
    const auto average = [](Layer& layer, const Window& stage) { fill_pdp(layer, stage, PoolMode::kAverage); };
    const TensorId src = lower_front_stages(lowering, node, std::span(even).first(even.size() - 1), first, average);
    average(add_layer(lowering, node, src, out), even.back());
    return {};
  }
  const std::vector<Window> stages = conv_average_stages(lowering.question, window);
  double weight = 1.0 / taps_of(window);
  const TensorId src = lower_front_stages(lowering, node, std::span(stages).first(stages.size() - 1), first,
                                          [&](Layer& layer, const Window& stage) {
                                            weight *= taps_of(stage);
                                            fill_average_conv(layer, stage, in.c, 1.0 / taps_of(stage));
                                          });
  fill_average_conv(add_layer(lowering, node, src, out), stages.back(), in.c, weight);
  return {};
}

/// A window that takes one axis of the input whole, or both, and nothing of the other.
bool takes_whole_axes(const Window& window, const Cube& in) {
  const bool columns = window.kernel_w == in.w || (window.kernel_w == 1 && window.stride_x == 1);
  const bool rows = window.kernel_h == in.h || (window.kernel_h == 1 && window.stride_y == 1);
  const bool some = window.kernel_w > 1 || window.kernel_h > 1;
  return columns && rows && some && !padded(window) && window.dilation_x == 1 && window.dilation_y == 1;
}

}  // namespace

Verdict check_average_pool(const Question& question, const graph::Node& node) {
  const auto average = read_average(question.graph, node);
  if (!average) {
    return Refusal{Reason::kAttribute, average.error().message, ""};
  }
  const Window& window = average->window;
  if (takes_whole_axes(window, cube_of(*question.graph.value(node.inputs[0]).shape))) {
    return check_whole_average(question, window);
  }
  const bool dilated = window.dilation_x != 1 || window.dilation_y != 1;
  const auto include = graph::int_attribute(node, "count_include_pad", 0);
  if (dilated && padded(window) && (!include || *include == 0)) {
    return Refusal{Reason::kDilation, "dilated window that excludes padding", "set count_include_pad=1"};
  }
  if (dilated) {
    return check_conv_window(question, window, 1);
  }
  const Cube in = cube_of(*question.graph.value(node.inputs[0]).shape);
  return check_regions(question, *average, in, cube_of(*question.graph.value(node.outputs[0]).shape));
}

Status lower_average_pool(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Average average, read_average(lowering.question.graph, node));
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const Cube in = size_of(lowering.layers.tensor(src));
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  if (takes_whole_axes(average.window, in)) {
    return lower_whole_average(lowering, node, average.window);
  }
  if (average.window.dilation_x != 1 || average.window.dilation_y != 1) {
    fill_average_conv(add_layer(lowering, node, src, out), average.window, out.c, 1.0 / taps_of(average.window));
    return {};
  }
  const TensorId dst = result_tensor(lowering, node.outputs[0], out);
  const std::vector<Region> regions = regions_of(average, in);
  for (size_t i = 0; i < regions.size(); ++i) {
    const Region& region = regions[i];
    const Corner target{.x = average.columns[i % average.columns.size()].first, .y = average.rows[i / average.columns.size()].first,
                        .c = 0};
    const TensorId from = average.whole() ? src : window_tensor(lowering, src, region.corner, region.in);
    Layer& layer = add_part(lowering, node, regions.size() == 1 ? "" : fmt::format("region{}", i), from,
                            window_tensor(lowering, dst, target, region.out));
    if (average_as_conv(lowering.question, region.window, out)) {
      fill_average_conv(layer, region.window, out.c, 1.0 / taps_of(region.window));
    } else {
      fill_pdp(layer, region.window, PoolMode::kAverage);
    }
  }
  return {};
}

namespace {

Window whole_window(const Cube& in) { return {.kernel_h = in.h, .kernel_w = in.w}; }

}  // namespace

Verdict check_global_average(const Question& question, const graph::Node& node) {
  return check_whole_average(question, whole_window(cube_of(*question.graph.value(node.inputs[0]).shape)));
}

Status lower_global_average(Lowering& lowering, const graph::Node& node) {
  return lower_whole_average(lowering, node, whole_window(cube_of(*lowering.question.graph.value(node.inputs[0]).shape)));
}

Verdict check_global_max(const Question& question, const graph::Node& node) {
  const Cube in = cube_of(*question.graph.value(node.inputs[0]).shape);
  return check_max_windows(question, global_stages(in.w, in.h, largest_pool()));
}

Status lower_global_max(Lowering& lowering, const graph::Node& node) {
  const TensorId first = source_tensor(lowering, node.inputs[0]);
  const Cube in = size_of(lowering.layers.tensor(first));
  const std::vector<Window> stages = global_stages(in.w, in.h, largest_pool());
  const TensorId src = lower_front_stages(lowering, node, std::span(stages).first(stages.size() - 1), first, kFillMax);
  fill_pdp(add_layer(lowering, node, src, {.w = 1, .h = 1, .c = in.c}), stages.back(), PoolMode::kMax);
  return {};
}

}  // namespace medlar::compiler
