// SPDX-License-Identifier: Apache-2.0
// Shapes, constants and windows that the operator rows share.
#include "compiler/legalise/shapes.hpp"

#include <algorithm>

#include <fmt/ranges.h>

namespace medlar::compiler {
namespace {

constexpr int64_t kMaxDim = 8192;  // 13-bit size fields, stored minus one

std::string shape_text(const graph::Shape& shape) { return fmt::format("{}", fmt::join(shape, "x")); }

/// Total padding along one axis that makes ONNX's auto_pad come true.
int64_t same_padding(int64_t in, int64_t out, int64_t span, int64_t stride) {
  return std::max<int64_t>(0, (out - 1) * stride + span - in);
}

struct Axis {
  int64_t kernel = 1, stride = 1, dilation = 1, begin = 0, end = 0;
};

Result<std::vector<Axis>> read_axes(const graph::Node& node, const graph::Shape& in, const graph::Shape& out,
                                    const std::vector<int64_t>& kernel) {
  const size_t spatial = kernel.size();
  MEDLAR_ASSIGN(const auto strides, graph::ints_attribute(node, "strides", std::vector<int64_t>(spatial, 1)));
  MEDLAR_ASSIGN(const auto dilations, graph::ints_attribute(node, "dilations", std::vector<int64_t>(spatial, 1)));
  MEDLAR_ASSIGN(const auto pads, graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * spatial, 0)));
  MEDLAR_ASSIGN(const auto auto_pad, graph::string_attribute(node, "auto_pad", "NOTSET"));
  if (strides.size() != spatial || dilations.size() != spatial || pads.size() != 2 * spatial ||
      in.size() != spatial + 2 || out.size() != spatial + 2) {
    return fail(Code::kCorrupt, "{}: strides, dilations, pads or shapes do not have {} spatial axes", node.name, spatial);
  }
  std::vector<Axis> axes(spatial);
  for (size_t i = 0; i < spatial; ++i) {
    Axis& axis = axes[i];
    axis = {kernel[i], strides[i], dilations[i], pads[i], 0};
    const int64_t span = (axis.kernel - 1) * axis.dilation + 1;
    const int64_t total = same_padding(in[i + 2], out[i + 2], span, axis.stride);
    if (auto_pad == "SAME_UPPER") {
      axis.begin = total / 2;
    } else if (auto_pad == "SAME_LOWER") {
      axis.begin = total - total / 2;
    } else if (auto_pad == "VALID") {
      axis.begin = 0;
    }
    axis.end = same_padding(in[i + 2] + axis.begin, out[i + 2], span, axis.stride);
  }
  return axes;
}

}  // namespace

Verdict check_cube(const graph::Value& value) {
  if (!value.shape) {
    return Refusal{Reason::kDynamicShape, fmt::format("{} has no shape", value.name), "name its shape"};
  }
  const graph::Shape& shape = *value.shape;
  if (std::find(shape.begin(), shape.end(), graph::kUnknownDim) != shape.end()) {
    return Refusal{Reason::kDynamicShape, fmt::format("{} has an open dimension", value.name), "name its shape"};
  }
  if (shape.size() < 2 || shape.size() > 4) {
    return Refusal{Reason::kRank, fmt::format("{} has rank {}, possible are 2 to 4", value.name, shape.size()), ""};
  }
  if (shape[0] != 1) {
    return Refusal{Reason::kBatch, fmt::format("{} is {}, limit 1", value.name, shape_text(shape)), "build for batch 1"};
  }
  for (const int64_t dim : shape) {
    if (dim < 1 || dim > kMaxDim) {
      return Refusal{Reason::kCubeSize, fmt::format("{} is {}, limit {}", value.name, shape_text(shape), kMaxDim), ""};
    }
  }
  return std::nullopt;
}

Cube cube_of(const graph::Shape& shape) {
  Cube cube{.w = 1, .h = 1, .c = static_cast<int>(shape[1])};
  if (shape.size() == 3) {
    cube.w = static_cast<int>(shape[2]);
  } else if (shape.size() == 4) {
    cube.h = static_cast<int>(shape[2]);
    cube.w = static_cast<int>(shape[3]);
  }
  return cube;
}

std::optional<std::vector<float>> channel_constant(const graph::Tensor& constant, const graph::Shape& shape) {
  const auto values = graph::to_doubles(constant);
  if (!values || constant.shape.size() > shape.size()) {
    return std::nullopt;
  }
  const size_t missing = shape.size() - constant.shape.size();
  for (size_t i = 0; i < constant.shape.size(); ++i) {
    const size_t axis = i + missing;
    if (constant.shape[i] != 1 && (axis != 1 || constant.shape[i] != shape[1])) {
      return std::nullopt;
    }
  }
  return std::vector<float>(values->begin(), values->end());
}

Result<Window> read_window(const graph::Node& node, const graph::Shape& in, const graph::Shape& out,
                           const std::vector<int64_t>& kernel) {
  MEDLAR_ASSIGN(const std::vector<Axis> axes, read_axes(node, in, out, kernel));
  const Axis row = axes.size() > 1 ? axes[0] : Axis{};
  const Axis& column = axes.back();
  for (const Axis& axis : {row, column}) {
    for (const int64_t number : {axis.kernel, axis.stride, axis.dilation}) {
      if (number < 1 || number > kMaxDim) {
        return fail(Code::kCorrupt, "{}: kernel, stride or dilation {} is not in 1..{}", node.name, number, kMaxDim);
      }
    }
  }
  const auto narrow = [](int64_t number) { return static_cast<int>(std::clamp<int64_t>(number, -kMaxDim, kMaxDim)); };
  return Window{.kernel_h = narrow(row.kernel), .kernel_w = narrow(column.kernel),
                .stride_y = narrow(row.stride), .stride_x = narrow(column.stride),
                .dilation_y = narrow(row.dilation), .dilation_x = narrow(column.dilation),
                .pad_top = narrow(row.begin), .pad_left = narrow(column.begin),
                .pad_bottom = narrow(row.end), .pad_right = narrow(column.end)};
}

const graph::Value* input_value(const graph::Graph& graph, const graph::Node& node, size_t index) {
  if (index >= node.inputs.size() || node.inputs[index] == graph::kNoValue) {
    return nullptr;
  }
  return &graph.value(node.inputs[index]);
}

const graph::Tensor* constant_input(const graph::Graph& graph, const graph::Node& node, size_t index) {
  const graph::Value* value = input_value(graph, node, index);
  return value == nullptr ? nullptr : value->data.get();
}

TensorId source_tensor(Lowering& lowering, graph::ValueId value) {
  if (const auto found = lowering.tensors.find(value); found != lowering.tensors.end()) {
    return found->second;
  }
  const TensorId id = result_tensor(lowering, value, cube_of(*lowering.question.graph.value(value).shape));
  lowering.layers.tensor(id).role = TensorRole::kInput;
  return id;
}

TensorId result_tensor(Lowering& lowering, graph::ValueId value, const Cube& cube) {
  const std::string& name = lowering.question.graph.value(value).name;
  const auto id = static_cast<TensorId>(lowering.layers.tensors.size());
  lowering.layers.tensors.push_back({.name = name, .range = name, .w = cube.w, .h = cube.h, .c = cube.c});
  lowering.tensors[value] = id;
  return id;
}

Layer& add_layer(Lowering& lowering, const graph::Node& node, TensorId src, const Cube& cube) {
  const TensorId dst = result_tensor(lowering, node.outputs[0], cube);
  lowering.layers.layers.push_back(
      {.name = node.name,
       .origins = node.origins.empty() ? std::vector<std::string>{node.name} : node.origins,
       .src = src,
       .dst = dst,
       .body = SdpLayer{},
       .steps = {}});
  return lowering.layers.layers.back();
}

}  // namespace medlar::compiler
