// SPDX-License-Identifier: Apache-2.0
// Concat. Parts that begin at a memory atom, and parts side by side in space, are copies into windows of the result, which
// fusion turns into writes in place; otherwise every part goes through a channel shift, and the shifted parts are summed.
#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

int64_t axis_of(const graph::Node& node, size_t rank) {
  const int64_t axis = graph::int_attribute(node, "axis", 1).value_or(0);
  return axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
}

std::vector<TensorId> part_tensors(Lowering& lowering, const graph::Node& node) {
  std::vector<TensorId> parts;
  for (const graph::ValueId id : node.inputs) {
    parts.push_back(source_tensor(lowering, id));
  }
  return parts;
}

bool parts_at_atoms(const Lowering& lowering, const std::vector<TensorId>& parts) {
  const auto atom = static_cast<int>(lowering.question.config.channels_per_atom(lowering.question.precision));
  int first = 0;
  for (const TensorId part : parts) {
    if (first % atom != 0) {
      return false;
    }
    first += lowering.layers.tensor(part).c;
  }
  return true;
}

std::string part_name(size_t part) { return fmt::format("part{}", part); }

/// `axis`: 1 channels, 2 rows, 3 columns.
void lower_windows(Lowering& lowering, const graph::Node& node, int axis, TensorId whole) {
  const std::vector<TensorId> parts = part_tensors(lowering, node);
  Corner corner;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Cube size = size_of(lowering.layers.tensor(parts[i]));
    const TensorId window = window_tensor(lowering, whole, corner, size);
    add_part(lowering, node, part_name(i), parts[i], window);
    corner.c += axis == 1 ? size.c : 0;
    corner.y += axis == 2 ? size.h : 0;
    corner.x += axis == 3 ? size.w : 0;
  }
}

void lower_shifts(Lowering& lowering, const graph::Node& node, TensorId whole) {
  const std::vector<TensorId> parts = part_tensors(lowering, node);
  const LayerTensor result = lowering.layers.tensor(whole);
  int first = 0;
  TensorId sum = kNoTensor;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const TensorId dst = last ? whole : inner_tensor(lowering, result.name + "/" + part_name(i), result.range, size_of(result));
    const int channels = lowering.layers.tensor(parts[i]).c;
    Layer& layer = add_part(lowering, node, part_name(i), parts[i], dst);
    layer.body = shifted_channels(result.c, channels, first);
    if (sum != kNoTensor) {
      layer.steps.push_back({.kind = StepKind::kAddTensor, .operand = sum});
    }
    first += channels;
    sum = dst;
  }
}

}  // namespace

Verdict check_concat(const Question& question, const graph::Node& node) {
  const graph::Shape& out = *question.graph.value(node.outputs[0]).shape;
  const auto axis = graph::int_attribute(node, "axis", 1);
  if (!axis || out.size() < 2 || axis_of(node, out.size()) < 1) {
    return Refusal{Reason::kAxis, axis ? fmt::format("axis is {}, possible are 1 to {}", *axis, out.size() - 1)
                                       : axis.error().message, ""};
  }
  for (const graph::ValueId id : node.inputs) {
    if (id == graph::kNoValue) {
      return Refusal{Reason::kNotConstant, "a part is omitted", ""};
    }
    const graph::Value& value = question.graph.value(id);
    if (Verdict verdict = check_cube(value)) {
      return verdict;
    }
    if (value.shape->size() != out.size() || value.shape->front() != out.front()) {
      return Refusal{Reason::kBatch, fmt::format("{} has another rank or batch", value.name), ""};
    }
  }
  return std::nullopt;
}

Status lower_concat(Lowering& lowering, const graph::Node& node) {
  const graph::Shape& out = *lowering.question.graph.value(node.outputs[0]).shape;
  const int64_t axis = axis_of(node, out.size());
  const TensorId whole = result_tensor(lowering, node.outputs[0], cube_of(out));
  const bool columns = axis + 1 == static_cast<int64_t>(out.size());
  if (axis > 1) {
    lower_windows(lowering, node, columns ? 3 : 2, whole);
  } else if (parts_at_atoms(lowering, part_tensors(lowering, node))) {
    lower_windows(lowering, node, 1, whole);
  } else {
    lower_shifts(lowering, node, whole);
  }
  return {};
}

}  // namespace medlar::compiler
