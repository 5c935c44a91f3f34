// SPDX-License-Identifier: Apache-2.0
#include "compiler/simplify/band_convs.hpp"

#include <algorithm>

#include "compiler/simplify/join_reshapes.hpp"
#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

/// One kernel along the last axis.
struct Sliding {
  std::vector<double> kernel;
  int64_t stride = 1, dilation = 1, pad = 0;
};

std::optional<Sliding> read_sliding(const graph::Graph& graph, const graph::Node& node, size_t rank) {
  const graph::Tensor* weights = node.inputs.size() < 2 || node.inputs[1] == graph::kNoValue ? nullptr : graph.value(node.inputs[1]).data.get();
  const bool one_row = weights != nullptr && weights->shape.size() == rank && *graph::element_count(weights->shape) == weights->shape.back();
  const auto kernel = one_row ? graph::to_doubles(*weights) : std::nullopt;
  const size_t spatial = rank - 2;
  const auto strides = graph::ints_attribute(node, "strides", std::vector<int64_t>(spatial, 1));
  const auto dilations = graph::ints_attribute(node, "dilations", std::vector<int64_t>(spatial, 1));
  const auto pads = graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * spatial, 0));
  const auto mode = graph::string_attribute(node, "auto_pad", "NOTSET");
  if (!kernel || !strides || !dilations || !pads || !mode || *mode != "NOTSET" || strides->size() != spatial || dilations->size() != spatial ||
      pads->size() != 2 * spatial) {
    return std::nullopt;
  }
  const int64_t others = spatial == 2 ? (*pads)[0] + (*pads)[2] : 0;
  return others != 0 ? std::nullopt
                     : std::optional(Sliding{*kernel, strides->back(), dilations->back(), (*pads)[spatial - 1]});
}

/// Row o holds what output o takes of each input.
std::vector<float> band(const Sliding& sliding, int64_t out, int64_t in) {
  std::vector<float> weights(static_cast<size_t>(out * in), 0.0f);
  for (int64_t o = 0; o < out; ++o) {
    for (size_t k = 0; k < sliding.kernel.size(); ++k) {
      const int64_t i = o * sliding.stride + static_cast<int64_t>(k) * sliding.dilation - sliding.pad;
      if (i >= 0 && i < in) {
        weights[static_cast<size_t>(o * in + i)] = static_cast<float>(sliding.kernel[k]);
      }
    }
  }
  return weights;
}

/// All numbers of an item on the last axis.
bool is_list(const Shape& shape) {
  return (shape.size() == 3 || shape.size() == 4) && std::all_of(shape.begin() + 1, shape.end() - 1, [](int64_t dim) { return dim == 1; });
}

/// All numbers of an item are channels.
bool is_pixel(const Shape& shape, int64_t channels) {
  return shape.size() >= 2 && shape[1] == channels && std::all_of(shape.begin() + 2, shape.end(), [](int64_t dim) { return dim == 1; });
}

}  // namespace

bool band_convs(graph::Graph& graph) {
  constexpr int64_t kMostChannels = 2048;
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) -> Replacement {
    const auto in = is_op(node, "Conv") ? known_shape(g, node.inputs[0]) : std::nullopt;
    const auto out = known_shape(g, node.outputs[0]);
    const graph::NodeId maker = in ? makers[static_cast<size_t>(node.inputs[0])] : graph::kNoValue;
    if (!out || maker == graph::kNoValue || !is_list(*in) || !is_list(*out) || in->back() > kMostChannels ||
        g.value(node.inputs[0]).type != graph::DataType::kFloat32) {
      return std::nullopt;
    }
    const graph::Node& rename = g.nodes[static_cast<size_t>(maker)];
    const auto pixel = renames_shape(rename) ? known_shape(g, rename.inputs[0]) : std::nullopt;
    const auto sliding = pixel && is_pixel(*pixel, in->back()) && pixel->front() == in->front() ? read_sliding(g, node, in->size()) : std::nullopt;
    const auto bias = node.inputs.size() > 2 && node.inputs[2] != graph::kNoValue && g.value(node.inputs[2]).is_constant()
                          ? graph::to_doubles(*g.value(node.inputs[2]).data)
                          : std::nullopt;
    if (!sliding || (node.inputs.size() > 2 && (!bias || bias->size() != 1))) {
      return std::nullopt;
    }
    Builder builder(g, node);
    const Shape cube = {pixel->front(), in->back(), 1, 1};
    ValueId source = rename.inputs[0];
    if (*pixel != cube) {
      source = builder.add("pixel", "Reshape", {source, builder.ints("pixel_shape", cube)}, cube);
    }
    std::vector<ValueId> inputs = {source, builder.floats("band", {out->back(), in->back(), 1, 1}, band(*sliding, out->back(), in->back()))};
    if (bias) {
      inputs.push_back(builder.floats("bias", {out->back()}, std::vector<float>(static_cast<size_t>(out->back()), static_cast<float>((*bias)[0]))));
    }
    const ValueId result = builder.add("conv", "Conv", inputs, {out->front(), out->back(), 1, 1});
    builder.finish("Reshape", {result, builder.ints("list_shape", *out)});
    return builder.take();
  });
}

}  // namespace medlar::compiler
