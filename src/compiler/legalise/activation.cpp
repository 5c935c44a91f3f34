// SPDX-License-Identifier: Apache-2.0
// Relu, Clip, LeakyRelu, PRelu and BatchNormalization: steps of the SDP.
#include <cmath>
#include <limits>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

Layer& add_step_layer(Lowering& lowering, const graph::Node& node) {
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(src);
  return add_layer(lowering, node, src, {.w = in.w, .h = in.h, .c = in.c});
}

struct Bounds {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

/// Bounds from attributes (opset 6) or constant inputs (opset 11).
Result<Bounds> read_bounds(const graph::Graph& graph, const graph::Node& node) {
  Bounds bounds;
  MEDLAR_ASSIGN(bounds.low, graph::float_attribute(node, "min", bounds.low));
  MEDLAR_ASSIGN(bounds.high, graph::float_attribute(node, "max", bounds.high));
  for (const size_t index : {size_t{1}, size_t{2}}) {
    if (input_value(graph, node, index) == nullptr) {
      continue;
    }
    const graph::Tensor* constant = constant_input(graph, node, index);
    const auto values = constant == nullptr ? std::nullopt : graph::to_doubles(*constant);
    if (!values || values->size() != 1) {
      return fail(Code::kUnsupported, "bounds are computed at run time");
    }
    (index == 1 ? bounds.low : bounds.high) = static_cast<float>((*values)[0]);
  }
  return bounds;
}

struct BatchNorm {
  std::vector<float> mul, add;
};

Result<BatchNorm> read_batch_norm(const graph::Graph& graph, const graph::Node& node) {
  MEDLAR_ASSIGN(const float epsilon, graph::float_attribute(node, "epsilon", 1e-5f));
  std::vector<double> parameters[4];
  for (size_t i = 0; i < 4; ++i) {
    const graph::Tensor* constant = constant_input(graph, node, i + 1);
    const auto values = constant == nullptr ? std::nullopt : graph::to_doubles(*constant);
    if (!values || static_cast<int64_t>(values->size()) != (*graph.value(node.inputs[0]).shape)[1]) {
      return fail(Code::kUnsupported, "parameter {} is not a constant per channel", i + 1);
    }
    parameters[i] = *values;
  }
  BatchNorm norm;
  for (size_t c = 0; c < parameters[0].size(); ++c) {
    const double mul = parameters[0][c] / std::sqrt(parameters[3][c] + static_cast<double>(epsilon));
    norm.mul.push_back(static_cast<float>(mul));
    norm.add.push_back(static_cast<float>(parameters[1][c] - parameters[2][c] * mul));
  }
  return norm;
}

/// Negative slopes of LeakyRelu (one) or PRelu (one or one a channel).
Result<std::vector<float>> read_slopes(const graph::Graph& graph, const graph::Node& node) {
  if (node.op_type == "LeakyRelu") {
    MEDLAR_ASSIGN(const float alpha, graph::float_attribute(node, "alpha", 0.01f));
    return std::vector<float>{alpha};
  }
  const graph::Tensor* slope = constant_input(graph, node, 1);
  const auto values = slope == nullptr ? std::nullopt : channel_constant(*slope, *graph.value(node.inputs[0]).shape);
  if (!values) {
    return fail(Code::kUnsupported, "slope is not a constant per channel");
  }
  return *values;
}

Verdict refusal_of(const Error& error) { return Refusal{Reason::kAttribute, error.message, ""}; }

}  // namespace

Verdict check_relu(const Question&, const graph::Node&) { return std::nullopt; }

Status lower_relu(Lowering& lowering, const graph::Node& node) {
  add_step_layer(lowering, node)
      .steps.push_back({.kind = StepKind::kRelu, .mul = {}, .add = {}, .operand = kNoTensor,
                        .value = lowering.question.graph.value(node.outputs[0]).name});
  return {};
}

Verdict check_clip(const Question& question, const graph::Node& node) {
  const auto bounds = read_bounds(question.graph, node);
  if (!bounds) {
    return refusal_of(bounds.error());
  }
  if (std::isnan(bounds->low) || std::isnan(bounds->high) || bounds->low > bounds->high) {
    return Refusal{Reason::kAttribute, fmt::format("bounds {} to {}", bounds->low, bounds->high), ""};
  }
  return std::nullopt;
}

Status lower_clip(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Bounds bounds, read_bounds(lowering.question.graph, node));
  Layer& layer = add_step_layer(lowering, node);
  // Beyond what FP16 holds a bound changes nothing: the chip saturates there.
  constexpr float kLargest = 65504.0f;
  if (bounds.low == 0.0f) {
    layer.steps.push_back({.kind = StepKind::kRelu, .mul = {}, .add = {}});
  } else if (bounds.low > -kLargest) {
    layer.steps.push_back({.kind = StepKind::kMax, .mul = {}, .add = {bounds.low}});
  }
  if (bounds.high < kLargest) {
    layer.steps.push_back({.kind = StepKind::kMin, .mul = {}, .add = {bounds.high}});
  }
  if (!layer.steps.empty()) {
    layer.steps.back().value = lowering.question.graph.value(node.outputs[0]).name;
  }
  return {};
}

Verdict check_prelu(const Question& question, const graph::Node& node) {
  const auto slopes = read_slopes(question.graph, node);
  if (!slopes) {
    return refusal_of(slopes.error());
  }
  for (const float slope : *slopes) {
    if (!std::isfinite(slope) || std::fabs(slope) > 256.0f) {
      return Refusal{Reason::kAttribute, fmt::format("slope is {}, limit 256", slope), ""};
    }
  }
  return std::nullopt;
}

Status lower_prelu(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(std::vector<float> slopes, read_slopes(lowering.question.graph, node));
  add_step_layer(lowering, node)
      .steps.push_back({.kind = StepKind::kPrelu, .mul = std::move(slopes), .add = {}, .operand = kNoTensor,
                        .value = lowering.question.graph.value(node.outputs[0]).name});
  return {};
}

Verdict check_batch_norm(const Question& question, const graph::Node& node) {
  const auto training = graph::int_attribute(node, "training_mode", 0);
  if (!training || *training != 0) {
    return Refusal{Reason::kAttribute, "training_mode is set", ""};
  }
  const auto norm = read_batch_norm(question.graph, node);
  return norm ? Verdict{} : refusal_of(norm.error());
}

Status lower_batch_norm(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(BatchNorm norm, read_batch_norm(lowering.question.graph, node));
  add_step_layer(lowering, node)
      .steps.push_back({.kind = StepKind::kAffine, .mul = std::move(norm.mul), .add = std::move(norm.add),
                        .operand = kNoTensor, .value = lowering.question.graph.value(node.outputs[0]).name});
  return {};
}

}  // namespace medlar::compiler
