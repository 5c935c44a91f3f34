// SPDX-License-Identifier: Apache-2.0
// Pad: the source is copied into a window of the result (fusion makes its producer write there) and the border is filled,
// with a constant or, line by line, from the source. Channels are padded by a convolution that shifts them.
#include <algorithm>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

/// Lines copied one by one on each side; more would take too many operations.
constexpr int64_t kMostLines = 16;

struct Pads {
  std::string mode;
  float fill = 0.0f;
  int top = 0, left = 0, bottom = 0, right = 0;
  int channels_before = 0, channels_after = 0;

  bool space() const { return top != 0 || left != 0 || bottom != 0 || right != 0; }
  bool channels() const { return channels_before != 0 || channels_after != 0; }
};

Result<std::vector<int64_t>> constant_ints(const graph::Graph& graph, const graph::Node& node, size_t index,
                                           std::string_view name) {
  const graph::Tensor* constant = constant_input(graph, node, index);
  auto numbers = constant == nullptr ? std::nullopt : graph::to_ints(*constant);
  if (!numbers) {
    return fail(Code::kUnsupported, "{} are computed at run time", name);
  }
  return *numbers;
}

/// All 2 * rank pads, from the attribute (opset 2) or inputs (11; axes 18).
Result<std::vector<int64_t>> read_numbers(const graph::Graph& graph, const graph::Node& node) {
  const auto rank = static_cast<int64_t>(graph.value(node.inputs[0]).shape->size());
  std::vector<int64_t> pads;
  if (input_value(graph, node, 1) == nullptr) {
    MEDLAR_ASSIGN(pads, graph::ints_attribute(node, "pads", {}));
  } else {
    MEDLAR_ASSIGN(pads, constant_ints(graph, node, 1, "pads"));
  }
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < rank; ++i) {
    axes.push_back(i);
  }
  if (input_value(graph, node, 3) != nullptr) {
    MEDLAR_ASSIGN(axes, constant_ints(graph, node, 3, "axes"));
  }
  if (pads.size() != 2 * axes.size()) {
    return fail(Code::kCorrupt, "{} pads for {} axes", pads.size(), axes.size());
  }
  std::vector<int64_t> all(2 * static_cast<size_t>(rank), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank) {
      return fail(Code::kCorrupt, "axis {} of a tensor of rank {}", axes[i], rank);
    }
    all[static_cast<size_t>(axis)] = pads[i];
    all[static_cast<size_t>(axis + rank)] = pads[axes.size() + i];
  }
  return all;
}

Result<float> read_fill(const graph::Graph& graph, const graph::Node& node) {
  if (input_value(graph, node, 2) == nullptr) {
    return graph::float_attribute(node, "value", 0.0f);
  }
  const graph::Tensor* constant = constant_input(graph, node, 2);
  const auto values = constant == nullptr ? std::nullopt : graph::to_doubles(*constant);
  if (!values || values->size() != 1) {
    return fail(Code::kUnsupported, "the fill value is computed at run time");
  }
  return static_cast<float>((*values)[0]);
}

Result<Pads> read_pads(const graph::Graph& graph, const graph::Node& node) {
  Pads pads;
  MEDLAR_ASSIGN(pads.mode, graph::string_attribute(node, "mode", "constant"));
  MEDLAR_ASSIGN(pads.fill, read_fill(graph, node));
  MEDLAR_ASSIGN(const std::vector<int64_t> all, read_numbers(graph, node));
  const size_t rank = all.size() / 2;
  for (const int64_t pad : all) {
    if (pad < 0 || pad > 8192) {
      return fail(Code::kUnsupported, "a pad is {}, possible are 0 to 8192", pad);
    }
  }
  if (all[0] != 0 || all[rank] != 0) {
    return fail(Code::kUnsupported, "the batch is padded");
  }
  const auto at = [&](size_t axis, bool end) { return static_cast<int>(all[axis + (end ? rank : 0)]); };
  pads.channels_before = at(1, false);
  pads.channels_after = at(1, true);
  if (rank > 2) {
    pads.left = at(rank - 1, false);
    pads.right = at(rank - 1, true);
  }
  if (rank > 3) {
    pads.top = at(2, false);
    pads.bottom = at(2, true);
  }
  return pads;
}

/// Column (or row) of the source that stands at distance `d` (1, 2, ...) beyond an end.
int mirrored(const std::string& mode, int size, int d, bool end) {
  const int inner = mode == "reflect" ? d : (mode == "wrap" ? size - d : 0);
  return end ? size - 1 - inner : inner;
}

TensorId fill_tensor(Lowering& lowering, const graph::Node& node, const LayerTensor& result, const Cube& size, float fill) {
  const TensorId id = inner_tensor(lowering, node.name + "/fill", result.range, size);
  LayerTensor& tensor = lowering.layers.tensor(id);
  tensor.role = TensorRole::kConstant;
  tensor.contents.assign(static_cast<size_t>(size.w) * static_cast<size_t>(size.h) * static_cast<size_t>(size.c), fill);
  return id;
}

void lower_constant(Lowering& lowering, const graph::Node& node, const Pads& pads, TensorId src, TensorId dst) {
  const LayerTensor in = lowering.layers.tensor(src);
  const LayerTensor out = lowering.layers.tensor(dst);
  const struct { std::string_view name; Corner corner; int w, h; } bands[] = {
      {"top", {0, 0, 0}, out.w, pads.top},
      {"bottom", {0, pads.top + in.h, 0}, out.w, pads.bottom},
      {"left", {0, pads.top, 0}, pads.left, in.h},
      {"right", {pads.left + in.w, pads.top, 0}, pads.right, in.h}};
  add_part(lowering, node, "inside", src, window_tensor(lowering, dst, {pads.left, pads.top, 0}, size_of(in)));
  for (const auto& band : bands) {
    if (band.w == 0 || band.h == 0) {
      continue;
    }
    const Cube size{.w = band.w, .h = band.h, .c = out.c};
    const TensorId fill = fill_tensor(lowering, node, out, size, pads.fill);
    add_part(lowering, node, std::string(band.name), fill, window_tensor(lowering, dst, band.corner, size));
  }
}

/// One axis of edge, reflect or wrap: `before` and `after` lines beside a copy of the source.
void lower_lines(Lowering& lowering, const graph::Node& node, const std::string& mode, bool rows, int before, int after,
                 TensorId src, TensorId dst) {
  const LayerTensor in = lowering.layers.tensor(src);
  const Cube line = rows ? Cube{.w = in.w, .h = 1, .c = in.c} : Cube{.w = 1, .h = in.h, .c = in.c};
  const auto at = [&](int position) { return rows ? Corner{0, position, 0} : Corner{position, 0, 0}; };
  const std::string_view axis = rows ? "row" : "column";
  add_part(lowering, node, fmt::format("{}s", axis), src, window_tensor(lowering, dst, at(before), size_of(in)));
  const int size = rows ? in.h : in.w;
  for (int i = 0; i < before + after; ++i) {
    const bool end = i >= before;
    const int distance = end ? i - before + 1 : i + 1;
    const int target = end ? before + size + distance - 1 : before - distance;
    const TensorId from = window_tensor(lowering, src, at(mirrored(mode, size, distance, end)), line);
    add_part(lowering, node, fmt::format("{}{}", axis, target), from, window_tensor(lowering, dst, at(target), line));
  }
}

void lower_copies(Lowering& lowering, const graph::Node& node, const Pads& pads, TensorId src, TensorId dst) {
  const bool rows = pads.top != 0 || pads.bottom != 0;
  const bool columns = pads.left != 0 || pads.right != 0;
  if (rows && columns) {
    const LayerTensor in = lowering.layers.tensor(src);
    const TensorId between = inner_tensor(lowering, node.name + "/rows", in.range,
                                          {.w = in.w, .h = in.h + pads.top + pads.bottom, .c = in.c});
    lower_lines(lowering, node, pads.mode, true, pads.top, pads.bottom, src, between);
    lower_lines(lowering, node, pads.mode, false, pads.left, pads.right, between, dst);
  } else if (rows) {
    lower_lines(lowering, node, pads.mode, true, pads.top, pads.bottom, src, dst);
  } else {
    lower_lines(lowering, node, pads.mode, false, pads.left, pads.right, src, dst);
  }
}

}  // namespace

TensorId padded(Lowering& lowering, const graph::Node& node, TensorId src, const Sides& sides, Lines lines) {
  const LayerTensor in = lowering.layers.tensor(src);
  const Pads pads{.mode = lines == Lines::kZeros ? "constant" : "edge", .top = sides.top, .left = sides.left, .bottom = sides.bottom,
                  .right = sides.right};
  if (!pads.space()) {
    return src;
  }
  const TensorId dst = inner_tensor(lowering, node.name + "/edges", in.range,
                                    {.w = in.w + pads.left + pads.right, .h = in.h + pads.top + pads.bottom, .c = in.c});
  if (lines == Lines::kZeros) {
    lower_constant(lowering, node, pads, src, dst);
  } else {
    lower_copies(lowering, node, pads, src, dst);
  }
  return dst;
}

Verdict check_pad(const Question& question, const graph::Node& node) {
  const auto pads = read_pads(question.graph, node);
  if (!pads) {
    return Refusal{Reason::kAttribute, pads.error().message, ""};
  }
  const bool constant = pads->mode == "constant";
  if (!constant && pads->mode != "edge" && pads->mode != "reflect" && pads->mode != "wrap") {
    return Refusal{Reason::kPadMode, pads->mode, ""};
  }
  if (pads->channels() && (!constant || pads->fill != 0.0f)) {
    return Refusal{Reason::kPadMode, "channels are padded with something else than 0", ""};
  }
  const Cube in = cube_of(*question.graph.value(node.inputs[0]).shape);
  const struct { int pad; int size; } sides[] = {{pads->left, in.w}, {pads->right, in.w}, {pads->top, in.h}, {pads->bottom, in.h}};
  for (const auto& side : sides) {
    if (!constant && (side.pad > kMostLines || (pads->mode != "edge" && side.pad >= side.size))) {
      return Refusal{Reason::kPadding, fmt::format("{} lines of {} by mode {}, limit {}", side.pad, side.size, pads->mode,
                                                   kMostLines), ""};
    }
  }
  constexpr float kLargest = 65504.0f;
  if (!(pads->fill >= -kLargest && pads->fill <= kLargest)) {
    return Refusal{Reason::kPadMode, fmt::format("the fill value is {}, limit {}", pads->fill, kLargest), ""};
  }
  return std::nullopt;
}

Status lower_pad(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Pads pads, read_pads(lowering.question.graph, node));
  TensorId src = source_tensor(lowering, node.inputs[0]);
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  if (!pads.space() && !pads.channels()) {
    lowering.tensors[{node.outputs[0], lowering.item}] = src;
    return {};
  }
  const TensorId dst = result_tensor(lowering, node.outputs[0], out);
  if (pads.channels()) {
    const LayerTensor in = lowering.layers.tensor(src);
    const TensorId wide = pads.space() ? inner_tensor(lowering, node.name + "/channels", in.range, {.w = in.w, .h = in.h, .c = out.c})
                                       : dst;
    add_part(lowering, node, "channels", src, wide).body = shifted_channels(out.c, in.c, pads.channels_before);
    src = wide;
  }
  if (pads.space() && pads.mode == "constant") {
    lower_constant(lowering, node, pads, src, dst);
  } else if (pads.space()) {
    lower_copies(lowering, node, pads, src, dst);
  }
  return {};
}

}  // namespace medlar::compiler
