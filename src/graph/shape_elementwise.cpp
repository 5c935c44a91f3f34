// SPDX-License-Identifier: Apache-2.0
// Shape rules of elementwise operators: unary, broadcasting, comparisons, casts, quantisation, normalisation.
#include <algorithm>
#include <array>

#include "graph/shape_context.hpp"

namespace medlar::graph {
namespace {

/// The broadcast shape of inputs `first`..; nullopt while one of them is unknown.
Result<std::optional<Shape>> broadcast_inputs(const ShapeContext& context, size_t first) {
  Shape out;
  for (size_t i = first; i < context.input_count(); ++i) {
    const Shape* shape = context.shape(i);
    if (shape == nullptr) {
      return std::nullopt;
    }
    MEDLAR_ASSIGN(out, broadcast(context, out, *shape));
  }
  return std::optional(std::move(out));
}

Status broadcast_as(ShapeContext& context, DataType type) {
  context.set_type(0, type);
  MEDLAR_ASSIGN(auto shape, broadcast_inputs(context, 0));
  return shape ? context.set_shape(0, std::move(*shape)) : Status{};
}

Status broadcasting(ShapeContext& context) {
  return broadcast_as(context, context.type(0));
}

Status comparison(ShapeContext& context) {
  return broadcast_as(context, DataType::kBool);
}

Status where(ShapeContext& context) {
  return broadcast_as(context, context.type(1));
}

Status same_shape_as(ShapeContext& context, DataType type) {
  MEDLAR_TRY(same_as_first(context));
  context.set_type(0, type);
  return {};
}

Status predicate(ShapeContext& context) {
  return same_shape_as(context, DataType::kBool);
}

/// PRelu's slope broadcasts to X, never the other way.
Status prelu(ShapeContext& context) {
  const Shape* x = context.shape(0);
  const Shape* slope = context.shape(1);
  if (x != nullptr && slope != nullptr) {
    MEDLAR_ASSIGN(const Shape both, broadcast(context, *x, *slope));
    if (both.size() != x->size()) {
      return context.error("its slope has rank {}, its input {}", slope->size(), x->size());
    }
  }
  return same_as_first(context);
}

Status cast(ShapeContext& context) {
  MEDLAR_ASSIGN(const int64_t to, context.attr("to", 0));
  const bool known = to > 0 && to <= static_cast<int64_t>(DataType::kInt4);
  return same_shape_as(context, known ? static_cast<DataType>(to) : DataType::kUndefined);
}

Status cast_like(ShapeContext& context) {
  return same_shape_as(context, context.type(1));
}

Status dropout(ShapeContext& context) {
  MEDLAR_TRY(same_as_first(context));
  const Shape* shape = context.shape(0);
  context.set_type(1, context.opset() >= 10 ? DataType::kBool : context.type(0));
  return shape == nullptr ? Status{} : context.set_shape(1, *shape);
}

Status batch_normalization(ShapeContext& context) {
  const Shape* x = context.shape(0);
  for (size_t i = 1; x != nullptr && x->size() >= 2 && i < 5; ++i) {
    const Shape* parameter = context.shape(i);
    const int64_t channels = (*x)[1];
    if (parameter != nullptr && parameter->size() == 1 && channels >= 0 && (*parameter)[0] >= 0 &&
        (*parameter)[0] != channels) {
      return context.error("input {} has {} elements, the tensor {} channels", i, (*parameter)[0], channels);
    }
  }
  MEDLAR_TRY(same_as_first(context));
  for (size_t o = 1; o < context.output_count() && o < 5; ++o) {
    const size_t source = o % 2 == 1 ? 3 : 4;  // running mean, running variance, and (before 14) the saved ones
    context.set_type(o, context.type(source));
    if (const Shape* shape = context.shape(source)) {
      MEDLAR_TRY(context.set_shape(o, *shape));
    }
  }
  return {};
}

Status layer_normalization(ShapeContext& context) {
  MEDLAR_TRY(same_as_first(context));
  const Shape* x = context.shape(0);
  context.set_type(1, DataType::kFloat32);
  context.set_type(2, DataType::kFloat32);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t first, context.attr("axis", -1));
  MEDLAR_ASSIGN(const size_t axis, context.axis(first, x->size()));
  Shape statistics = *x;
  std::fill(statistics.begin() + static_cast<std::ptrdiff_t>(axis), statistics.end(), 1);
  MEDLAR_TRY(context.set_shape(1, statistics));
  return context.set_shape(2, statistics);
}

Status quantize_linear(ShapeContext& context) {
  MEDLAR_ASSIGN(const int64_t wanted, context.attr("output_dtype", 0));
  const bool known = wanted > 0 && wanted <= static_cast<int64_t>(DataType::kInt4);
  const DataType named = known ? static_cast<DataType>(wanted) : DataType::kUint8;
  return same_shape_as(context, context.has_input(2) ? context.type(2) : named);
}

Status dequantize_linear(ShapeContext& context) {
  return same_shape_as(context, context.opset() >= 19 ? context.type(1) : DataType::kFloat32);
}

Status dynamic_quantize_linear(ShapeContext& context) {
  MEDLAR_TRY(same_shape_as(context, DataType::kUint8));
  MEDLAR_TRY(context.set(1, DataType::kFloat32, {}));
  return context.set(2, DataType::kUint8, {});
}

Status bernoulli(ShapeContext& context) {
  MEDLAR_ASSIGN(const int64_t wanted, context.attr("dtype", static_cast<int64_t>(context.type(0))));
  const bool known = wanted > 0 && wanted <= static_cast<int64_t>(DataType::kInt4);
  return same_shape_as(context, known ? static_cast<DataType>(wanted) : DataType::kUndefined);
}

constexpr std::array kSameShape = {
    "Abs",      "Acos",       "Acosh",   "Asin",       "Asinh",   "Atan",      "Atanh",           "BitwiseNot",
    "Ceil",     "Celu",       "Clip",    "Cos",        "Cosh",    "CumSum",    "Elu",             "Erf",
    "Exp",      "Floor",      "Gelu",    "HardSigmoid", "HardSwish", "Hardmax", "Identity",        "LRN",
    "LeakyRelu", "Log",       "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Neg", "Not",
    "Reciprocal", "Relu",     "ReverseSequence", "Round", "Scatter", "ScatterElements", "ScatterND", "Selu",
    "Shrink",   "Sigmoid",    "Sign",    "Sin",        "Sinh",    "Softmax",   "Softplus",        "Softsign",
    "Sqrt",     "Tan",        "Tanh",    "ThresholdedRelu", "Trilu", "InstanceNormalization", "GroupNormalization"};

constexpr std::array kBroadcasting = {"Add", "Sub", "Mul",      "Div", "Pow", "Mod",        "Max",       "Min",
                                      "Sum", "Mean", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"};

constexpr std::array kComparisons = {"And", "Or", "Xor", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"};

constexpr std::array kOthers = {
    ShapeRuleEntry{"Where", where},
    ShapeRuleEntry{"IsNaN", predicate},
    ShapeRuleEntry{"IsInf", predicate},
    ShapeRuleEntry{"PRelu", prelu},
    ShapeRuleEntry{"Cast", cast},
    ShapeRuleEntry{"CastLike", cast_like},
    ShapeRuleEntry{"Dropout", dropout},
    ShapeRuleEntry{"BatchNormalization", batch_normalization},
    ShapeRuleEntry{"LayerNormalization", layer_normalization},
    ShapeRuleEntry{"QuantizeLinear", quantize_linear},
    ShapeRuleEntry{"DequantizeLinear", dequantize_linear},
    ShapeRuleEntry{"DynamicQuantizeLinear", dynamic_quantize_linear},
    ShapeRuleEntry{"Bernoulli", bernoulli},
};

constexpr auto kRules = [] {
  std::array<ShapeRuleEntry, kSameShape.size() + kBroadcasting.size() + kComparisons.size() + kOthers.size()> out{};
  size_t at = 0;
  for (const char* name : kSameShape) {
    out[at++] = {name, same_as_first};
  }
  for (const char* name : kBroadcasting) {
    out[at++] = {name, broadcasting};
  }
  for (const char* name : kComparisons) {
    out[at++] = {name, comparison};
  }
  for (const ShapeRuleEntry& entry : kOthers) {
    out[at++] = entry;
  }
  return out;
}();

}  // namespace

std::span<const ShapeRuleEntry> elementwise_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
