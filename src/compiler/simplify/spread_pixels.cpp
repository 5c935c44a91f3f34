// SPDX-License-Identifier: Apache-2.0
#include "compiler/simplify/spread_pixels.hpp"

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

bool fills(const graph::Graph& graph, const graph::Node& node) {
  if (is_op(node, "Upsample") || is_op(node, "Expand")) {
    return true;
  }
  // Cropping may leave the image, where a number of its own counts.
  const auto mode = graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel");
  return is_op(node, "Resize") && mode && *mode != "tf_crop_and_resize" && graph.value(node.outputs[0]).shape.has_value();
}

}  // namespace

bool spread_pixels(graph::Graph& graph) {
  return replace_nodes(graph, [](graph::Graph& g, const graph::Node& node) -> Replacement {
    const auto in = node.inputs.empty() ? std::nullopt : known_shape(g, node.inputs[0]);
    const auto out = known_shape(g, node.outputs[0]);
    const bool pixel = in && out && in->size() == 4 && out->size() == 4 && (*in)[0] == (*out)[0] && (*in)[1] == (*out)[1] &&
                       (*in)[2] * (*in)[3] == 1 && (*out)[2] * (*out)[3] > 1;
    if (!pixel || !fills(g, node) || g.value(node.inputs[0]).type != graph::DataType::kFloat32 || g.value(node.inputs[0]).is_constant()) {
      return std::nullopt;
    }
    const graph::Shape zeros = {1, (*out)[1], (*out)[2], (*out)[3]};
    Builder builder(g, node);
    const auto count = static_cast<size_t>(*graph::element_count(zeros));
    builder.finish("Add", {builder.floats("zeros", zeros, std::vector<float>(count, 0.0f)), node.inputs[0]});
    return builder.take();
  });
}

}  // namespace medlar::compiler
