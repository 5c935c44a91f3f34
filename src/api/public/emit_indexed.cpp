// SPDX-License-Identifier: Apache-2.0
// Layers that look things up by index, and other rarer ones, in ONNX's words.
#include "api/public/emitter.hpp"
#include "api/public/types.hpp"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

namespace medlar::door {
namespace {

using graph::ValueId;
using Attributes = std::map<std::string, graph::Attribute>;

int64_t number(graph::DataType type) {
  return static_cast<int64_t>(type);
}

void emit_gather(Emitter& out) {
  const int64_t batch = out.int_of("num_elementwise_dims");
  const auto mode = static_cast<GatherMode>(out.int_of("mode"));
  if (mode == GatherMode::kNd) {
    need_opset(out, 12);
    out.node("GatherND", {out.operand(0), out.int64_operand(1)}, {out.output(0)}, {{"batch_dims", batch}});
    return;
  }
  if (batch != 0) {
    refuse(out, fmt::format("{} element-wise dimensions in a gather whose mode is not ND", batch));
  }
  constexpr std::array kOps{"Gather", "GatherElements"};
  out.node(row(out, kOps, out.int_of("mode"), "gather mode"), {out.operand(0), out.operand(1)},
           {out.output(0)}, {{"axis", out.int_of("axis")}});
}

void emit_scatter(Emitter& out) {
  need_opset(out, 11);
  const std::vector<ValueId> inputs{out.operand(0), out.int64_operand(1), out.operand(2)};
  if (static_cast<ScatterMode>(out.int_of("mode")) == ScatterMode::kNd) {
    out.node("ScatterND", inputs, {out.output(0)});
    return;
  }
  constexpr std::array kOps{"ScatterElements"};
  out.node(row(out, kOps, out.int_of("mode"), "scatter mode"), inputs, {out.output(0)},
           {{"axis", out.int_of("axis")}});
}

/// ONNX Runtime takes float and int64 values; others go through float.
void emit_one_hot(Emitter& out) {
  using Type = graph::DataType;
  const Type type = out.input_type(1);
  const graph::Shape one{1};
  const bool direct = type == Type::kFloat32 || type == Type::kInt64;
  const ValueId values =
      direct ? out.operand(1) : out.step("Cast", {out.operand(1)}, {{"to", number(Type::kFloat32)}});
  const std::vector<ValueId> inputs{out.int64_operand(0), out.int64_operand(2, &one), values};
  const Attributes attributes{{"axis", out.int_of("axis")}};
  if (direct) {
    out.node("OneHot", inputs, {out.output(0)}, attributes);
  } else {
    out.node("Cast", {out.step("OneHot", inputs, attributes)}, {out.output(0)}, {{"to", number(type)}});
  }
}

void emit_grid_sample(Emitter& out) {
  need_opset(out, 16);
  const bool renamed = out.opset() >= 20;
  const std::array<const char*, 3> modes{"nearest", renamed ? "linear" : "bilinear",
                                         renamed ? "cubic" : "bicubic"};
  constexpr std::array<const char*, 5> kPadding{"", "", "border", "zeros", "reflection"};
  const std::string padding = row(out, kPadding, out.int_of("sample_mode"), "sample mode");
  if (padding.empty()) {
    refuse(out, "sample modes other than CLAMP, FILL and REFLECT beside a grid");
  }
  out.node("GridSample", {out.operand(0), out.operand(1)}, {out.output(0)},
           {{"mode", std::string(row(out, modes, out.int_of("interpolation_mode"), "interpolation mode"))},
            {"padding_mode", padding},
            {"align_corners", out.int_of("align_corners")}});
}

/// Squeeze and Unsqueeze; axes are an attribute before opset 13.
void emit_rank_change(Emitter& out, const char* op) {
  if (out.opset() >= 13) {
    out.node(op, {out.operand(0), out.int64_operand(1)}, {out.output(0)});
    return;
  }
  const Constant axes = out.constant_operand(1);
  const auto values = axes ? graph::to_ints(*axes) : std::nullopt;
  if (!values) {
    refuse(out, fmt::format("axes that the network computes, in a network of opset {}", out.opset()));
  }
  out.node(op, {out.operand(0)}, {out.output(0)}, {{"axes", *values}});
}

void emit_cumulative(Emitter& out) {
  need_opset(out, 11);
  constexpr std::array kOps{"CumSum"};
  const graph::Shape scalar{};
  out.node(row(out, kOps, out.int_of("op"), "cumulative operation"),
           {out.operand(0), out.int64_operand(1, &scalar)}, {out.output(0)},
           {{"exclusive", out.int_of("exclusive")}, {"reverse", out.int_of("reverse")}});
}

void emit_assertion(Emitter& out) {
  const Constant condition = out.constant_operand(0);
  if (!condition) {
    refuse(out, "an assertion over what the network computes: its condition can be a constant");
  }
  if (std::count(condition->bytes.begin(), condition->bytes.end(), uint8_t{0}) != 0) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': the assertion fails: {}", out.layer().name,
          out.text_of("message"));
  }
}

void emit_cast_after(Emitter& out, const char* op, std::vector<ValueId> inputs, graph::DataType type) {
  out.node("Cast", {out.step(op, std::move(inputs))}, {out.output(0)}, {{"to", number(type)}});
}

void emit_shape(Emitter& out) {
  const auto type = graph_type(static_cast<DataType>(out.int_of("to_type")));
  if (type == graph::DataType::kInt64) {
    out.node("Shape", {out.operand(0)}, {out.output(0)});
  } else {
    emit_cast_after(out, "Shape", {out.operand(0)}, type);
  }
}

void emit_einsum(Emitter& out) {
  need_opset(out, 12);
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < out.layer().operands.size(); ++i) {
    inputs.push_back(out.operand(i));
  }
  out.node("Einsum", inputs, {out.output(0)}, {{"equation", out.text_of("equation")}});
}

}  // namespace

void emit_nms(Emitter& out) {
  need_opset(out, 11);
  const Dims boxes = out.input_dims(0);
  const int64_t limit = out.int_of("topk_box_limit");
  if (boxes.size() != 3 || boxes[2] != 4) {
    refuse(out, fmt::format("boxes [{}]: [batch, boxes, 4] is possible, boxes of each class are not",
                            fmt::join(boxes, ",")));
  }
  if (limit > 0 && (boxes[1] < 0 || boxes[1] > limit)) {
    refuse(out, fmt::format("a limit of {} boxes of {}", limit, boxes[1]));
  }
  const graph::Shape one{1};
  const auto threshold = [&](size_t index) {
    return out.operand(index) == graph::kNoValue
               ? out.scalar(0.0f, fmt::format("threshold{}", index))
               : out.step("Reshape", {out.operand(index), out.ints({1}, fmt::format("shape{}", index))});
  };
  const ValueId scores = out.step("Transpose", {out.operand(1)}, {{"perm", Dims{0, 2, 1}}});
  const ValueId found = out.step(
      "NonMaxSuppression", {out.operand(0), scores, out.int64_operand(2, &one), threshold(3), threshold(4)},
      {{"center_point_box", out.int_of("bounding_box_format")}});
  const ValueId rows =
      out.step("Gather", {out.step("Shape", {found}), out.ints({0}, "first")}, {{"axis", int64_t{0}}});
  const ValueId count = out.step("Reshape", {rows, out.ints({}, "scalar")});
  out.node("Cast", {found}, {out.output(0)}, {{"to", number(graph::DataType::kInt32)}});
  out.node("Cast", {count}, {out.output(1)}, {{"to", number(graph::DataType::kInt32)}});
}

bool emit_indexed(Emitter& out) {
  switch (out.layer().type) {
    case LayerType::kGather:
      return emit_gather(out), true;
    case LayerType::kScatter:
      return emit_scatter(out), true;
    case LayerType::kOneHot:
      return emit_one_hot(out), true;
    case LayerType::kGridSample:
      return emit_grid_sample(out), true;
    case LayerType::kSqueeze:
      return emit_rank_change(out, "Squeeze"), true;
    case LayerType::kUnsqueeze:
      return emit_rank_change(out, "Unsqueeze"), true;
    case LayerType::kCumulative:
      return emit_cumulative(out), true;
    case LayerType::kNonZero:
      return emit_cast_after(out, "NonZero", {out.operand(0)}, graph::DataType::kInt32), true;
    case LayerType::kNms:
      return emit_nms(out), true;
    case LayerType::kReverseSequence:
      out.node("ReverseSequence", {out.operand(0), out.int64_operand(1)}, {out.output(0)},
               {{"batch_axis", out.int_of("batch_axis")}, {"time_axis", out.int_of("sequence_axis")}});
      return true;
    case LayerType::kFill:
      return emit_fill(out), true;
    case LayerType::kAssertion:
      return emit_assertion(out), true;
    case LayerType::kShape:
      return emit_shape(out), true;
    case LayerType::kEinsum:
      return emit_einsum(out), true;
    case LayerType::kNormalization:
      return emit_normalization(out), true;
    default:
      return false;
  }
}

}  // namespace medlar::door
