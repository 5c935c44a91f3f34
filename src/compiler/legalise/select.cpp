// SPDX-License-Identifier: Apache-2.0
// Slice and Split: windows of the source where the layout allows, else 1x1 convolutions whose weights are 0 or 1: exact in
// every precision, and fused like any other convolution.
#include <algorithm>

#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

struct AxisRange {
  int64_t start = 0, step = 1, count = 1;
};

/// Per ONNX axis of the source.
using Ranges = std::vector<AxisRange>;

Result<std::vector<int64_t>> list_of(const graph::Graph& graph, const graph::Node& node, size_t index,
                                     std::string_view attribute) {
  if (const graph::Tensor* constant = constant_input(graph, node, index); constant != nullptr) {
    if (auto numbers = graph::to_ints(*constant)) {
      return *numbers;
    }
  }
  if (input_value(graph, node, index) != nullptr) {
    return fail(Code::kUnsupported, "{} are computed at run time", attribute);
  }
  return graph::ints_attribute(node, attribute, {});
}

Result<Ranges> read_slice(const graph::Graph& graph, const graph::Node& node) {
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  MEDLAR_ASSIGN(const std::vector<int64_t> starts, list_of(graph, node, 1, "starts"));
  MEDLAR_ASSIGN(std::vector<int64_t> axes, list_of(graph, node, 3, "axes"));
  MEDLAR_ASSIGN(std::vector<int64_t> steps, list_of(graph, node, 4, "steps"));
  for (size_t i = axes.size(); i < starts.size(); ++i) {
    axes.push_back(static_cast<int64_t>(i));
  }
  steps.resize(starts.size(), 1);
  Ranges ranges(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    ranges[i].count = out[i];
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + static_cast<int64_t>(in.size()) : axes[i];
    if (axis < 0 || axis >= static_cast<int64_t>(in.size())) {
      return fail(Code::kCorrupt, "axis {} of a tensor of rank {}", axes[i], in.size());
    }
    const int64_t dim = in[static_cast<size_t>(axis)];
    AxisRange& range = ranges[static_cast<size_t>(axis)];
    range.start = std::clamp<int64_t>(starts[i] < 0 ? starts[i] + dim : starts[i], 0, dim);
    range.step = steps[i];
    if (range.step < 1) {
      return fail(Code::kUnsupported, "step is {}, smallest is 1", range.step);
    }
    if (range.start + (range.count - 1) * range.step >= dim) {
      return fail(Code::kCorrupt, "slice of axis {} leaves the tensor", axis);
    }
  }
  return ranges;
}

/// Rows or columns of a cube; rank 2 has neither.
AxisRange spatial(const Ranges& ranges, size_t from_end) {
  return ranges.size() < 2 + from_end ? AxisRange{} : ranges[ranges.size() - from_end];
}

/// Kernel k copies channel pick(k), or nothing when that is negative.
template <typename Pick>
ConvLayer selection(int kernels, int channels, const Pick& pick) {
  ConvLayer conv{.k = kernels, .c = channels};
  conv.weights.assign(static_cast<size_t>(kernels) * static_cast<size_t>(channels), 0.0f);
  for (int k = 0; k < kernels; ++k) {
    if (const int64_t c = pick(k); c >= 0 && c < channels) {
      conv.weights[static_cast<size_t>(k) * static_cast<size_t>(channels) + static_cast<size_t>(c)] = 1.0f;
    }
  }
  return conv;
}

}  // namespace

Verdict check_slice(const Question& question, const graph::Node& node) {
  const auto ranges = read_slice(question.graph, node);
  if (!ranges) {
    return Refusal{Reason::kAttribute, ranges.error().message, ""};
  }
  for (const size_t from_end : {size_t{1}, size_t{2}}) {
    const AxisRange range = spatial(*ranges, from_end);
    if (range.count > 1 && !hw::kLimits.conv.stride.contains(static_cast<uint64_t>(range.step))) {
      return Refusal{Reason::kStride, fmt::format("step is {}, limit {}", range.step, hw::kLimits.conv.stride.max), ""};
    }
  }
  return std::nullopt;
}

namespace {

/// A window of the source and what is picked from it.
struct Picked {
  Corner corner;
  Cube size;
  AxisRange columns, rows, channels;  ///< Of channels `start` counts from the window's first.
};

/// The picking of `count` of the channels, from the `first` on, out of the atoms that hold them.
Picked band_of(const Picked& all, int first, int count, int64_t atom) {
  Picked band = all;
  const int64_t start = all.channels.start + first * all.channels.step;
  const int64_t from = start / atom * atom;
  band.channels = {.start = start - from, .step = all.channels.step, .count = count};
  band.corner.c = static_cast<int>(from);
  band.size.c = static_cast<int>(band.channels.start + (count - 1) * band.channels.step + 1);
  return band;
}

void pick(Lowering& lowering, const graph::Node& node, const Picked& p, TensorId whole, const std::string& part, TensorId dst) {
  ConvLayer conv = selection(static_cast<int>(p.channels.count), p.size.c, [&](int k) { return p.channels.start + k * p.channels.step; });
  conv.stride_x = p.columns.count > 1 ? static_cast<int>(p.columns.step) : 1;
  conv.stride_y = p.rows.count > 1 ? static_cast<int>(p.rows.step) : 1;
  add_part(lowering, node, part, window_tensor(lowering, whole, p.corner, p.size), dst).body = std::move(conv);
}

/// One output cut out of the node's first input: a window where nothing is skipped and channels begin at an atom, else a
/// convolution that picks.
void lower_ranges(Lowering& lowering, const graph::Node& node, const Ranges& ranges) {
  const AxisRange columns = spatial(ranges, 1);
  const AxisRange rows = ranges.size() == 4 ? spatial(ranges, 2) : AxisRange{};
  const AxisRange channels = ranges[1];
  const TensorId whole = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(whole);
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  const auto atom = static_cast<int64_t>(lowering.question.config.channels_per_atom(lowering.question.precision));
  const auto plain = [](const AxisRange& range) { return range.step == 1 || range.count == 1; };
  const Corner corner{.x = static_cast<int>(columns.start), .y = static_cast<int>(rows.start), .c = 0};
  if (plain(columns) && plain(rows) && plain(channels) && channels.start % atom == 0) {
    const Corner first{.x = corner.x, .y = corner.y, .c = static_cast<int>(channels.start)};
    lowering.tensors[{node.outputs[0], lowering.item}] = window_tensor(lowering, whole, first, out);
    return;
  }
  const auto extent = [](const AxisRange& range, int full) {
    // What a stride leaves over at the end may stay: the convolution does not reach it.
    const auto used = static_cast<int>((range.count - 1) * range.step + 1);
    return range.start == 0 && full - used < range.step ? full : used;
  };
  const Picked picked{.corner = corner, .size = {.w = extent(columns, in.w), .h = extent(rows, in.h), .c = in.c}, .columns = columns,
                      .rows = rows, .channels = channels};
  const TensorId dst = result_tensor(lowering, node.outputs[0], out);
  if (in.c * channels.count <= kWideSelection) {
    pick(lowering, node, picked, whole, "", dst);
    return;
  }
  for (int first = 0; first < out.c; first += kBandChannels) {
    const Cube size{.w = out.w, .h = out.h, .c = std::min(kBandChannels, out.c - first)};
    const TensorId band = window_tensor(lowering, dst, {.x = 0, .y = 0, .c = first}, size);
    pick(lowering, node, band_of(picked, first, size.c, atom), whole, fmt::format("channels{}", first), band);
  }
}

/// Axis of a Split, counted from the front.
Result<size_t> split_axis(const graph::Graph& graph, const graph::Node& node) {
  const auto rank = static_cast<int64_t>(graph.value(node.inputs[0]).shape->size());
  MEDLAR_ASSIGN(const int64_t axis, graph::int_attribute(node, "axis", 0));
  const int64_t from_front = axis < 0 ? axis + rank : axis;
  if (from_front < 1 || from_front >= rank) {
    return fail(Code::kUnsupported, "axis is {}", axis);
  }
  return static_cast<size_t>(from_front);
}

}  // namespace

ConvLayer shifted_channels(int kernels, int channels, int first) {
  return selection(kernels, channels, [&](int k) { return int64_t{k} - first; });
}

Status lower_slice(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Ranges ranges, read_slice(lowering.question.graph, node));
  lower_ranges(lowering, node, ranges);
  return {};
}

Verdict check_split(const Question& question, const graph::Node& node) {
  const auto axis = split_axis(question.graph, node);
  if (!axis) {
    return Refusal{Reason::kAxis, axis.error().message, ""};
  }
  for (const graph::ValueId id : node.outputs) {
    if (id == graph::kNoValue) {
      return Refusal{Reason::kAttribute, "an output is omitted", ""};
    }
    if (Verdict verdict = check_cube(question.graph.value(id))) {
      return verdict;
    }
  }
  return std::nullopt;
}

Status lower_split(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  MEDLAR_ASSIGN(const size_t axis, split_axis(graph, node));
  int64_t start = 0;
  for (const graph::ValueId id : node.outputs) {
    const graph::Shape& out = *graph.value(id).shape;
    Ranges ranges(out.size());
    for (size_t i = 0; i < out.size(); ++i) {
      ranges[i].count = out[i];
    }
    ranges[axis].start = start;
    start += out[axis];
    graph::Node part = node;
    part.outputs = {id};
    part.name = fmt::format("{}/{}", node.name, graph.value(id).name);
    lower_ranges(lowering, part, ranges);
  }
  return {};
}

}  // namespace medlar::compiler
