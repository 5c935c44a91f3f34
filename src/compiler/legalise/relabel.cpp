// SPDX-License-Identifier: Apache-2.0
// Reshape, Flatten, Squeeze and Unsqueeze that only rename: the cube keeps its bytes, so no operation is made; or that keep
// the channels and lay out their pixels in rows of another length, which is a copy.
#include <algorithm>
#include <array>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

bool takes_any_cube(const Question& question, const graph::Node& node) {
  return (node.op_type == "Gemm" || node.op_type == "MatMul") && constant_input(question.graph, node, 1) != nullptr;
}

/// Whether every reader on the DLA treats the value as a plain row of numbers.
bool readers_allow_alias(const Question& question, graph::ValueId value, int depth) {
  constexpr int kDeepest = 8;  // chains of reshapes are short; a longer one goes to the host
  if (depth > kDeepest) {
    return false;
  }
  const auto readers = graph::consumers(question.graph);
  return std::all_of(readers[static_cast<size_t>(value)].begin(), readers[static_cast<size_t>(value)].end(),
                     [&](graph::NodeId id) {
                       const graph::Node& reader = question.graph.nodes[static_cast<size_t>(id)];
                       if (is_relabel(reader)) {
                         return readers_allow_alias(question, reader.outputs[0], depth + 1);
                       }
                       return takes_any_cube(question, reader) || check_node(question, reader).has_value();
                     });
}

/// The same channels, and as many pixels in another frame: a copy.
bool same_pixels(const graph::Shape& in, const graph::Shape& out) {
  const Cube a = cube_of(in);
  const Cube b = cube_of(out);
  return a.c == b.c && int64_t{a.w} * a.h == int64_t{b.w} * b.h;
}

}  // namespace

bool is_relabel(const graph::Node& node) {
  constexpr std::array<std::string_view, 4> kNames = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  return std::find(kNames.begin(), kNames.end(), node.op_type) != kNames.end();
}

Verdict check_relabel(const Question& question, const graph::Node& node) {
  const graph::Value& in = question.graph.value(node.inputs[0]);
  const graph::Value& out = question.graph.value(node.outputs[0]);
  if (Verdict verdict = check_cube(in)) {
    return verdict;
  }
  if (!out.shape || out.shape->empty() || !graph::element_count(*out.shape)) {
    return Refusal{Reason::kDynamicShape, fmt::format("{} has an open dimension", out.name), "name its shape"};
  }
  const bool cube = !check_cube(out);
  if (in.shape->size() == 1 || out.shape->size() == 1 || out.shape->front() != in.shape->front()) {
    return Refusal{Reason::kLayout, fmt::format("batch of {} into {}", in.shape->front(), out.shape->front()), ""};
  }
  if (cube && (cube_of(*in.shape) == cube_of(*out.shape) || same_pixels(*in.shape, *out.shape))) {
    return std::nullopt;
  }
  if (readers_allow_alias(question, node.outputs[0], 0)) {
    return std::nullopt;
  }
  return Refusal{Reason::kLayout, fmt::format("{} into {}", in.name, out.name), ""};
}

Status lower_relabel(Lowering& lowering, const graph::Node& node) {
  const graph::Shape& in = *lowering.question.graph.value(node.inputs[0]).shape;
  const graph::Value& out = lowering.question.graph.value(node.outputs[0]);
  if (!check_cube(out) && same_pixels(in, *out.shape) && cube_of(in) != cube_of(*out.shape)) {
    TensorId src = source_tensor(lowering, node.inputs[0]);
    if (size_of(lowering.layers.tensor(src)) == cube_of(in)) {
      const LayerTensor tensor = lowering.layers.tensor(src);
      if (tensor.view_of != kNoTensor && tensor.h > 1) {  // a window has gaps between its lines
        const TensorId packed = inner_tensor(lowering, node.name + "/packed", tensor.range, size_of(tensor));
        add_part(lowering, node, "packed", src, packed);
        src = packed;
      }
      add_layer(lowering, node, src, cube_of(*out.shape)).body = InterleaveLayer{};
      return {};
    }
  }
  lowering.tensors[{node.outputs[0], lowering.item}] = source_tensor(lowering, node.inputs[0]);
  return {};
}

}  // namespace medlar::compiler
