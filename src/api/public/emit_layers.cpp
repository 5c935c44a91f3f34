// SPDX-License-Identifier: Apache-2.0
// Layers in ONNX's words.
#include "api/public/emitter.hpp"
#include "api/public/errors.hpp"
#include "api/public/types.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include <fmt/ranges.h>

namespace medlar::door {
namespace {

using Attributes = std::map<std::string, graph::Attribute>;
using graph::ValueId;

void emit_clip(Emitter& out) {
  const auto low = static_cast<float>(out.float_of("alpha"));
  const auto high = static_cast<float>(out.float_of("beta"));
  if (out.opset() < 11) {
    out.node("Clip", {out.operand(0)}, {out.output(0)}, {{"min", low}, {"max", high}});
    return;
  }
  out.node("Clip", {out.operand(0), out.scalar(low, "min"), out.scalar(high, "max")}, {out.output(0)});
}

void emit_gelu(Emitter& out) {
  const ValueId x = out.operand(0);
  const ValueId erf =
      out.step("Erf", {out.step("Div", {x, out.scalar(std::numbers::sqrt2_v<float>, "sqrt2")})});
  const ValueId sum = out.step("Add", {erf, out.scalar(1.0f, "one")});
  out.node("Mul", {out.step("Mul", {x, sum}), out.scalar(0.5f, "half")}, {out.output(0)});
}

void emit_scaled_tanh(Emitter& out) {
  const ValueId inner =
      out.step("Mul", {out.operand(0), out.scalar(static_cast<float>(out.float_of("beta")), "beta")});
  out.node("Mul", {out.step("Tanh", {inner}), out.scalar(static_cast<float>(out.float_of("alpha")), "alpha")},
           {out.output(0)});
}

void emit_activation(Emitter& out) {
  const auto alpha = static_cast<float>(out.float_of("alpha"));
  const auto beta = static_cast<float>(out.float_of("beta"));
  const auto plain = [&](const char* op, Attributes attributes = {}) {
    out.node(op, {out.operand(0)}, {out.output(0)}, std::move(attributes));
  };
  switch (static_cast<ActivationType>(out.int_of("type"))) {
    case ActivationType::kRelu:
      return plain("Relu");
    case ActivationType::kSigmoid:
      return plain("Sigmoid");
    case ActivationType::kTanh:
      return plain("Tanh");
    case ActivationType::kLeakyRelu:
      return plain("LeakyRelu", {{"alpha", alpha}});
    case ActivationType::kElu:
      return plain("Elu", {{"alpha", alpha}});
    case ActivationType::kSelu:
      return plain("Selu", {{"alpha", alpha}, {"gamma", beta}});
    case ActivationType::kSoftsign:
      return plain("Softsign");
    case ActivationType::kSoftplus:
      if ((alpha != 0 && alpha != 1) || (beta != 0 && beta != 1)) {
        refuse(out, fmt::format("SOFTPLUS with alpha {} and beta {} (1 and 1 are possible)", alpha, beta));
      }
      return plain("Softplus");
    case ActivationType::kClip:
      return emit_clip(out);
    case ActivationType::kHardSigmoid:
      return plain("HardSigmoid", {{"alpha", alpha}, {"beta", beta}});
    case ActivationType::kScaledTanh:
      return emit_scaled_tanh(out);
    case ActivationType::kThresholdedRelu:
      return plain("ThresholdedRelu", {{"alpha", alpha}});
    case ActivationType::kGeluErf:
      return emit_gelu(out);
    case ActivationType::kGeluTanh:
      refuse(out, "activation GELU_TANH (GELU_ERF is possible)");
  }
  raise(ErrorCode::kInvalidArgument, "layer '{}': there is no activation {}", out.layer().name,
        out.int_of("type"));
}

void emit_elementwise(Emitter& out) {
  constexpr std::array kOps{"Add", "Mul", "Max", "Min", "Sub",   "Div",     "Pow",
                            "",    "And", "Or",  "Xor", "Equal", "Greater", "Less"};
  const int64_t op = out.int_of("op");
  if (op == static_cast<int64_t>(ElementWiseOperation::kFloorDiv)) {
    out.node("Floor", {out.step("Div", {out.operand(0), out.operand(1)})}, {out.output(0)});
    return;
  }
  out.node(row(out, kOps, op, "element-wise operation"), {out.operand(0), out.operand(1)}, {out.output(0)});
}

void emit_unary(Emitter& out) {
  constexpr std::array kOps{"Exp",   "Log",  "Sqrt", "Reciprocal", "Abs",   "Neg",   "Sin",   "Cos",   "Tan",
                            "Sinh",  "Cosh", "Asin", "Acos",       "Atan",  "Asinh", "Acosh", "Atanh", "Ceil",
                            "Floor", "Erf",  "Not",  "Sign",       "Round", "IsInf", "IsNaN"};
  out.node(row(out, kOps, out.int_of("op"), "unary operation"), {out.operand(0)}, {out.output(0)});
}

/// Scale data in a shape that broadcasts over NCHW.
Constant broadcast(Emitter& out, const Constant& flat, std::string_view name) {
  const Dims input = out.input_dims(0);
  const auto mode = static_cast<ScaleMode>(out.int_of("mode"));
  const auto axis = static_cast<size_t>(out.int_of("channel_axis"));
  const int64_t count = graph::element_count(flat->shape).value_or(0);
  graph::Shape shape;
  if (mode == ScaleMode::kChannel && axis < input.size()) {
    shape.assign(input.size() - axis, 1);
    shape[0] = input[axis];
  } else if (mode == ScaleMode::kElementwise) {
    shape.assign(input.begin() + 1, input.end());
  }
  if (graph::element_count(shape) != count) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': {} {} values for [{}]", out.layer().name, count, name,
          fmt::join(shape, ","));
  }
  auto shaped = std::make_shared<graph::Tensor>(*flat);
  shaped->shape = shape;
  return shaped;
}

void emit_scale(Emitter& out) {
  constexpr std::array<std::pair<const char*, const char*>, 3> kSteps{
      {{"scale", "Mul"}, {"shift", "Add"}, {"power", "Pow"}}};
  std::vector<std::pair<const char*, ValueId>> steps;
  for (const auto& [name, op] : kSteps) {
    const Constant& data = out.data_of(name);
    if (!data->bytes.empty()) {
      steps.emplace_back(op, out.constant(broadcast(out, data, name), name));
    }
  }
  ValueId value = out.operand(0);
  for (size_t i = 0; i + 1 < steps.size(); ++i) {
    value = out.step(steps[i].first, {value, steps[i].second});
  }
  if (steps.empty()) {
    out.node("Identity", {value}, {out.output(0)});
  } else {
    out.node(steps.back().first, {value, steps.back().second}, {out.output(0)});
  }
}

int64_t only_axis(const Emitter& out) {
  const auto axes = static_cast<uint32_t>(out.int_of("axes"));
  if (std::popcount(axes) != 1) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': axes {:#x}, one is wanted", out.layer().name, axes);
  }
  return std::countr_zero(axes);
}

void emit_softmax(Emitter& out) {
  const int64_t axis = only_axis(out);
  if (out.opset() < 13) {  // there everything from the axis on counts as one dimension
    const Dims dims = out.input_dims(0);
    for (size_t i = static_cast<size_t>(axis) + 1; i < dims.size(); ++i) {
      if (dims[i] != 1) {
        refuse(out, fmt::format("softmax over axis {} of [{}] in a network of opset {}", axis,
                                fmt::join(dims, ","), out.opset()));
      }
    }
  }
  out.node("Softmax", {out.operand(0)}, {out.output(0)}, {{"axis", axis}});
}

void emit_concatenation(Emitter& out) {
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < out.layer().operands.size(); ++i) {
    inputs.push_back(out.operand(i));
  }
  out.node("Concat", inputs, {out.output(0)}, {{"axis", out.int_of("axis")}});
}

/// Runs one to three steps, the last of which writes the layer's output.
struct Chain {
  Emitter& out;
  ValueId value;
  size_t left;

  void add(std::string_view op, std::vector<ValueId> more = {}, Attributes attributes = {}) {
    more.insert(more.begin(), value);
    if (--left == 0) {
      out.node(op, std::move(more), {out.output(0)}, std::move(attributes));
    } else {
      value = out.step(op, std::move(more), std::move(attributes));
    }
  }
};

void emit_shuffle(Emitter& out) {
  const Dims* first = out.maybe_dims("first_transpose");
  const Dims* dims = out.maybe_dims("reshape_dims");
  const Dims* second = out.maybe_dims("second_transpose");
  const bool reshape = dims != nullptr || out.operand(1) != graph::kNoValue;
  const size_t steps = (first != nullptr ? 1U : 0U) + (reshape ? 1U : 0U) + (second != nullptr ? 1U : 0U);
  Chain chain{out, out.operand(0), steps};
  if (steps == 0) {
    out.node("Identity", {chain.value}, {out.output(0)});
    return;
  }
  if (first != nullptr) {
    chain.add("Transpose", {}, {{"perm", *first}});
  }
  if (reshape) {
    Attributes attributes;
    if (out.int_of("zero_is_placeholder") == 0 && out.opset() >= 14) {
      attributes["allowzero"] = int64_t{1};
    }
    const ValueId shape = out.operand(1) != graph::kNoValue ? out.int64_operand(1) : out.ints(*dims, "shape");
    chain.add("Reshape", {shape}, attributes);
  }
  if (second != nullptr) {
    chain.add("Transpose", {}, {{"perm", *second}});
  }
}

void emit_reduce(Emitter& out) {
  constexpr std::array kOps{"ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceMean"};
  const int64_t op = out.int_of("op");
  const auto mask = static_cast<uint32_t>(out.int_of("axes"));
  Dims axes;
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) != 0) {
      axes.push_back(i);
    }
  }
  Attributes attributes{{"keepdims", out.int_of("keep_dims")}};
  std::vector<ValueId> inputs{out.operand(0)};
  const bool as_input =
      out.opset() >= 18 || (op == static_cast<int64_t>(ReduceOperation::kSum) && out.opset() >= 13);
  if (as_input) {
    inputs.push_back(out.ints(axes, "axes"));
  } else {
    attributes["axes"] = axes;
  }
  out.node(row(out, kOps, op, "reduction"), inputs, {out.output(0)}, attributes);
}

ValueId transposed(Emitter& out, size_t index, std::string_view name) {
  const ValueId value = out.operand(index);
  if (out.int_of(name) != static_cast<int64_t>(MatrixOperation::kTranspose)) {
    return value;
  }
  const size_t rank = out.input_dims(index).size();
  Dims perm(rank);
  for (size_t i = 0; i < rank; ++i) {
    perm[i] = static_cast<int64_t>(i);
  }
  if (rank >= 2) {
    std::swap(perm[rank - 1], perm[rank - 2]);
  }
  return out.step("Transpose", {value}, {{"perm", perm}});
}

void emit_matrix_multiply(Emitter& out) {
  const ValueId a = transposed(out, 0, "op0");
  const ValueId b = transposed(out, 1, "op1");
  out.node("MatMul", {a, b}, {out.output(0)});
}

void emit_resize(Emitter& out) {
  need_opset(out, 11);
  constexpr std::array kModes{"nearest", "linear", "cubic"};
  constexpr std::array kCoordinates{"align_corners", "asymmetric", "half_pixel"};
  constexpr std::array kRounding{"round_prefer_ceil", "round_prefer_floor", "floor", "ceil"};
  Attributes attributes;
  attributes["mode"] = std::string(row(out, kModes, out.int_of("resize_mode"), "resize mode"));
  attributes["coordinate_transformation_mode"] = std::string(
      row(out, kCoordinates, out.int_of("coordinate_transformation"), "coordinate transformation"));
  if (out.int_of("resize_mode") == static_cast<int64_t>(ResizeMode::kNearest)) {
    attributes["nearest_mode"] = std::string(row(out, kRounding, out.int_of("nearest_rounding"), "rounding"));
  }
  // Without a region of interest, by omission from opset 13 on.
  auto none = std::make_shared<graph::Tensor>(
      graph::make_tensor(graph::DataType::kFloat32, {0}, std::vector<float>{}));
  const ValueId roi = out.opset() >= 13 ? graph::kNoValue : out.constant(none, "roi");
  const bool scales = out.layer().parameters.contains("scales") && out.operand(1) == graph::kNoValue;
  if (scales) {
    out.node("Resize", {out.operand(0), roi, out.constant(out.data_of("scales"), "scales")}, {out.output(0)},
             attributes);
    return;
  }
  const ValueId sizes =
      out.operand(1) != graph::kNoValue ? out.int64_operand(1) : out.ints(out.dims_of("shape"), "sizes");
  const ValueId no_scales = out.opset() >= 13 ? graph::kNoValue : out.constant(none, "no_scales");
  out.node("Resize", {out.operand(0), roi, no_scales, sizes}, {out.output(0)}, attributes);
}

void emit_padding(Emitter& out) {
  Dims pads{0, 0};
  const Dims& pre = out.dims_of("pre_padding");
  const Dims& post = out.dims_of("post_padding");
  pads.insert(pads.end(), pre.begin(), pre.end());
  pads.insert(pads.end(), {0, 0});
  pads.insert(pads.end(), post.begin(), post.end());
  if (out.opset() < 11) {
    out.node("Pad", {out.operand(0)}, {out.output(0)}, {{"pads", pads}});
    return;
  }
  out.node("Pad", {out.operand(0), out.ints(pads, "pads")}, {out.output(0)});
}

void emit_topk(Emitter& out) {
  need_opset(out, 11);
  const auto largest = int64_t{out.int_of("op") == static_cast<int64_t>(TopKOperation::kMax)};
  const graph::Shape one{1};
  const ValueId k =
      out.operand(1) != graph::kNoValue ? out.int64_operand(1, &one) : out.ints({out.int_of("k")}, "k");
  const ValueId indices = out.fresh("indices");
  out.node("TopK", {out.operand(0), k}, {out.output(0), indices},
           {{"axis", only_axis(out)}, {"largest", largest}});
  out.node("Cast", {indices}, {out.output(1)}, {{"to", static_cast<int64_t>(graph::DataType::kInt32)}});
}

void emit_quantize(Emitter& out) {
  need_opset(out, 13);
  const graph::Shape scale_shape = out.input_dims(1);
  auto zero = std::make_shared<graph::Tensor>();
  zero->type = graph::DataType::kInt8;
  zero->shape = scale_shape;
  zero->bytes.assign(static_cast<size_t>(graph::element_count(scale_shape).value_or(1)), 0);
  const bool forward = out.layer().type == LayerType::kQuantize;
  out.node(forward ? "QuantizeLinear" : "DequantizeLinear",
           {out.operand(0), out.operand(1), out.constant(zero, "zero")}, {out.output(0)},
           {{"axis", out.int_of("axis")}});
}

}  // namespace

[[noreturn]] void refuse(const Emitter& out, std::string_view what) {
  raise(ErrorCode::kUnsupported, "layer '{}': {}", out.layer().name, what);
}

void need_opset(const Emitter& out, int64_t least) {
  if (out.opset() < least) {
    refuse(out, fmt::format("it can be added to networks of opset {} and later, this one has {}", least,
                            out.opset()));
  }
}

void emit_layer(Emitter& out) {
  const auto plain = [&](const char* op, size_t inputs, Attributes attributes = {}) {
    std::vector<ValueId> from;
    for (size_t i = 0; i < inputs; ++i) {
      from.push_back(out.operand(i));
    }
    out.node(op, from, {out.output(0)}, std::move(attributes));
  };
  switch (out.layer().type) {
    case LayerType::kConvolution:
    case LayerType::kDeconvolution:
      return emit_convolution(out);
    case LayerType::kPooling:
      return emit_pooling(out);
    case LayerType::kActivation:
      return emit_activation(out);
    case LayerType::kElementwise:
      return emit_elementwise(out);
    case LayerType::kUnary:
      return emit_unary(out);
    case LayerType::kScale:
      return emit_scale(out);
    case LayerType::kSoftmax:
      return emit_softmax(out);
    case LayerType::kConcatenation:
      return emit_concatenation(out);
    case LayerType::kShuffle:
      return emit_shuffle(out);
    case LayerType::kReduce:
      return emit_reduce(out);
    case LayerType::kMatrixMultiply:
      return emit_matrix_multiply(out);
    case LayerType::kSlice:
      return emit_slice(out);
    case LayerType::kResize:
      return emit_resize(out);
    case LayerType::kPadding:
      return emit_padding(out);
    case LayerType::kTopk:
      return emit_topk(out);
    case LayerType::kQuantize:
    case LayerType::kDequantize:
      return emit_quantize(out);
    case LayerType::kLrn:
      return plain("LRN", 1,
                   {{"size", out.int_of("window_size")},
                    {"alpha", static_cast<float>(out.float_of("alpha"))},
                    {"beta", static_cast<float>(out.float_of("beta"))},
                    {"bias", static_cast<float>(out.float_of("k"))}});
    case LayerType::kParametricRelu:
      return plain("PRelu", 2);
    case LayerType::kIdentity:
      return plain("Identity", 1);
    case LayerType::kCast:
      return plain("Cast", 1,
                   {{"to", static_cast<int64_t>(graph_type(static_cast<DataType>(out.int_of("to_type"))))}});
    case LayerType::kSelect:
      return plain("Where", 3);
    default:
      if (emit_indexed(out)) {
        return;
      }
      raise(ErrorCode::kInternal, "layer '{}': kind {} has no ONNX form", out.layer().name,
            static_cast<int>(out.layer().type));
  }
}

}  // namespace medlar::door
