// SPDX-License-Identifier: Apache-2.0
// Shapes, constants and windows that the operator rows share.
#include "compiler/legalise/shapes.hpp"

#include <algorithm>

#include <fmt/ranges.h>

#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

constexpr int64_t kMaxDim = hw::kLimits.cube.dimension.max;

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

hw::Precision precision_of(const Question& question, const graph::Node& node) {
  const auto half = [&](const std::string& origin) { return question.halves->contains(origin); };
  const bool chosen = question.halves != nullptr && std::any_of(node.origins.begin(), node.origins.end(), half);
  return chosen ? hw::Precision::kFp16 : question.precision;
}

int channels_in_atoms(const Question& question, const graph::Node& node, int channels) {
  const auto atom = static_cast<int>(question.config.channels_per_atom(precision_of(question, node)));
  return (channels + atom - 1) / atom * atom;
}

Verdict check_cube(const graph::Value& value) {
  if (!value.shape) {
    return Refusal{Reason::kDynamicShape, fmt::format("{} has no shape", value.name), "name its shape"};
  }
  const graph::Shape& shape = *value.shape;
  if (std::find(shape.begin(), shape.end(), graph::kUnknownDim) != shape.end()) {
    return Refusal{Reason::kDynamicShape, fmt::format("{} has an open dimension", value.name), "name its shape"};
  }
  if (shape.empty() || shape.size() > 4) {
    return Refusal{Reason::kRank, fmt::format("{} has rank {}, possible are 1 to 4", value.name, shape.size()), ""};
  }
  const int64_t batch = batch_of(shape);
  if (constexpr hw::Range kBatch = hw::kLimits.segment.batch; batch < 1 || !kBatch.contains(static_cast<uint64_t>(batch))) {
    return Refusal{Reason::kBatch, fmt::format("{} is {}, limit {}", value.name, shape_text(shape), kBatch.max),
                   "build for a smaller batch"};
  }
  for (size_t i = shape.size() == 1 ? 0 : 1; i < shape.size(); ++i) {
    if (shape[i] < 1 || shape[i] > kMaxDim) {
      return Refusal{Reason::kCubeSize, fmt::format("{} is {}, limit {}", value.name, shape_text(shape), kMaxDim), ""};
    }
  }
  return std::nullopt;
}

int64_t batch_of(const graph::Shape& shape) { return shape.size() == 1 ? 1 : shape.front(); }

Cube cube_of(const graph::Shape& shape) {
  Cube cube{.w = 1, .h = 1, .c = static_cast<int>(shape[shape.size() == 1 ? 0 : 1])};
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
    const size_t channels = shape.size() == 1 ? 0 : 1;
    if (constant.shape[i] != 1 && (axis != channels || constant.shape[i] != shape[channels])) {
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

std::string item_name(const std::string& name, int item) {
  return item == 0 ? name : fmt::format("{}#{}", name, item);
}

TensorId inner_tensor(Lowering& lowering, const std::string& name, const std::string& range, const Cube& cube) {
  const auto id = static_cast<TensorId>(lowering.layers.tensors.size());
  lowering.layers.tensors.push_back(
      {.name = name, .range = range, .w = cube.w, .h = cube.h, .c = cube.c, .item = lowering.item});
  return id;
}

namespace {

/// The item's part of a constant; a constant of one item serves all.
std::vector<float> item_contents(const graph::Tensor& constant, int item) {
  const std::vector<double> all = graph::to_doubles(constant).value_or(std::vector<double>{});
  const auto items = static_cast<size_t>(batch_of(constant.shape));
  const size_t count = all.size() / items;
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(items == 1 ? 0 : static_cast<size_t>(item) * count);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

TensorId source_tensor(Lowering& lowering, graph::ValueId value) {
  const graph::Value& source = lowering.question.graph.value(value);
  const ItemKey key{value, batch_of(*source.shape) == 1 ? 0 : lowering.item};
  if (const auto found = lowering.tensors.find(key); found != lowering.tensors.end()) {
    return found->second;
  }
  const TensorId id = inner_tensor(lowering, source.name, source.name, cube_of(*source.shape));
  LayerTensor& tensor = lowering.layers.tensor(id);
  tensor.item = key.second;
  tensor.role = source.is_constant() ? TensorRole::kConstant : TensorRole::kInput;
  if (source.is_constant()) {
    tensor.contents = item_contents(*source.data, key.second);
  }
  lowering.tensors[key] = id;
  return id;
}

TensorId result_tensor(Lowering& lowering, graph::ValueId value, const Cube& cube) {
  const std::string& name = lowering.question.graph.value(value).name;
  const TensorId id = inner_tensor(lowering, name, name, cube);
  lowering.tensors[{value, lowering.item}] = id;
  return id;
}

TensorId window_tensor(Lowering& lowering, TensorId whole, const Corner& corner, const Cube& size) {
  const LayerTensor parent = lowering.layers.tensor(whole);
  if (size_of(parent) == size) {
    return whole;
  }
  LayerTensor window{.name = fmt::format("{}[{},{},{}]", parent.name, corner.c, corner.y, corner.x), .range = parent.range,
                     .w = size.w, .h = size.h, .c = size.c, .item = parent.item};
  window.view_of = parent.view_of == kNoTensor ? whole : parent.view_of;
  window.view_x = parent.view_x + corner.x;
  window.view_y = parent.view_y + corner.y;
  window.view_c = parent.view_c + corner.c;
  lowering.layers.tensors.push_back(std::move(window));
  return static_cast<TensorId>(lowering.layers.tensors.size() - 1);
}

Layer& add_part(Lowering& lowering, const graph::Node& node, const std::string& part, TensorId src, TensorId dst) {
  lowering.layers.layers.push_back(
      {.name = item_name(part.empty() ? node.name : node.name + "/" + part, lowering.item),
       .origins = node.origins.empty() ? std::vector<std::string>{node.name} : node.origins,
       .src = src,
       .dst = dst,
       .body = SdpLayer{},
       .steps = {}});
  return lowering.layers.layers.back();
}

Layer& add_layer(Lowering& lowering, const graph::Node& node, TensorId src, const Cube& cube) {
  return add_part(lowering, node, "", src, result_tensor(lowering, node.outputs[0], cube));
}

}  // namespace medlar::compiler
