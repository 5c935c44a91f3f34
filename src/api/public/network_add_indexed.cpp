// SPDX-License-Identifier: Apache-2.0
// Networks built layer by layer: normalisations, and the layers that look things up by index.
#include "api/public/errors.hpp"
#include "api/public/network_state.hpp"
#include "api/public/types.hpp"
#include "medlar/network.hpp"

#include <fmt/ranges.h>

namespace medlar {

Layer& NetworkDefinition::addGatherV2(Tensor& data, Tensor& indices, GatherMode mode) {
  Layer& layer = addGather(data, indices, 0);
  layer.state().parameters["mode"] = static_cast<int64_t>(mode);
  return layer;
}

Layer& NetworkDefinition::addNormalization(Tensor& input, Tensor& scale, Tensor& bias, uint32_t axes) {
  if (axes == 0) {
    door::raise(ErrorCode::kInvalidArgument, "Normalization of '{}': no axes", input.name());
  }
  Layer& layer = state_->new_layer(LayerType::kNormalization, "Normalization", {&input, &scale, &bias});
  layer.state().parameters = {{"axes", static_cast<int64_t>(axes)},
                              {"epsilon", 1e-5},
                              {"num_groups", int64_t{1}},
                              {"compute_precision", static_cast<int64_t>(DataType::kFloat32)}};
  return layer;
}

Layer& NetworkDefinition::addEinsum(const std::vector<Tensor*>& inputs, std::string_view equation) {
  if (inputs.empty()) {
    door::raise(ErrorCode::kInvalidArgument, "Einsum '{}': no inputs", equation);
  }
  Layer& layer = state_->new_layer(LayerType::kEinsum, "Einsum", inputs);
  layer.state().parameters["equation"] = std::string(equation);
  return layer;
}

Layer& NetworkDefinition::addOneHot(Tensor& indices, Tensor& values, Tensor& depth, int axis) {
  Layer& layer = state_->new_layer(LayerType::kOneHot, "OneHot", {&indices, &values, &depth});
  layer.state().parameters["axis"] = static_cast<int64_t>(axis);
  return layer;
}

Layer& NetworkDefinition::addScatter(Tensor& data, Tensor& indices, Tensor& updates, ScatterMode mode) {
  Layer& layer = state_->new_layer(LayerType::kScatter, "Scatter", {&data, &indices, &updates});
  layer.state().parameters = {{"axis", int64_t{0}}, {"mode", static_cast<int64_t>(mode)}};
  return layer;
}

Layer& NetworkDefinition::addGridSample(Tensor& input, Tensor& grid) {
  Layer& layer = state_->new_layer(LayerType::kGridSample, "GridSample", {&input, &grid});
  layer.state().parameters = {{"interpolation_mode", static_cast<int64_t>(ResizeMode::kLinear)},
                              {"align_corners", int64_t{0}},
                              {"sample_mode", static_cast<int64_t>(SliceMode::kFill)}};
  return layer;
}

Layer& NetworkDefinition::addSqueeze(Tensor& input, Tensor& axes) {
  return state_->new_layer(LayerType::kSqueeze, "Squeeze", {&input, &axes});
}

Layer& NetworkDefinition::addUnsqueeze(Tensor& input, Tensor& axes) {
  return state_->new_layer(LayerType::kUnsqueeze, "Unsqueeze", {&input, &axes});
}

Layer& NetworkDefinition::addCumulative(Tensor& input, Tensor& axis, CumulativeOperation operation,
                                        bool exclusive, bool reverse) {
  Layer& layer = state_->new_layer(LayerType::kCumulative, "Cumulative", {&input, &axis});
  layer.state().parameters = {{"op", static_cast<int64_t>(operation)},
                              {"exclusive", static_cast<int64_t>(exclusive)},
                              {"reverse", static_cast<int64_t>(reverse)}};
  return layer;
}

Layer& NetworkDefinition::addNonZero(Tensor& input) {
  return state_->new_layer(LayerType::kNonZero, "NonZero", {&input});
}

Layer& NetworkDefinition::addNMS(Tensor& boxes, Tensor& scores, Tensor& maxOutputBoxesPerClass) {
  Layer& layer = state_->new_layer(LayerType::kNms, "NMS", {&boxes, &scores, &maxOutputBoxesPerClass}, 2);
  layer.state().parameters = {{"bounding_box_format", static_cast<int64_t>(BoundingBoxFormat::kCornerPairs)},
                              {"topk_box_limit", int64_t{-1}}};
  return layer;
}

Layer& NetworkDefinition::addReverseSequence(Tensor& input, Tensor& lengths) {
  Layer& layer = state_->new_layer(LayerType::kReverseSequence, "ReverseSequence", {&input, &lengths});
  layer.state().parameters = {{"batch_axis", int64_t{1}}, {"sequence_axis", int64_t{0}}};
  return layer;
}

Layer& NetworkDefinition::addFill(const Dims& dims, FillOperation operation, DataType type) {
  if (operation != FillOperation::kLinspace) {
    door::raise(ErrorCode::kUnsupported, "Fill with random numbers ({}): FillOperation LINSPACE is possible",
                operation == FillOperation::kRandomUniform ? "RANDOM_UNIFORM" : "RANDOM_NORMAL");
  }
  if (type != DataType::kFloat32 && type != DataType::kInt32 && type != DataType::kInt64) {
    door::raise(ErrorCode::kInvalidArgument, "Fill as {}: float32, int32 or int64 is wanted",
                dataTypeName(type));
  }
  volume(dims);
  Layer& layer = state_->new_layer(LayerType::kFill, "Fill", {});
  layer.state().parameters = {{"shape", dims},
                              {"op", static_cast<int64_t>(operation)},
                              {"alpha", 0.0},
                              {"beta", 1.0},
                              {"to_type", static_cast<int64_t>(type)}};
  return layer;
}

Layer& NetworkDefinition::addAssertion(Tensor& condition, std::string_view message) {
  Layer& layer = state_->new_layer(LayerType::kAssertion, "Assertion", {&condition}, 0);
  layer.state().parameters["message"] = std::string(message);
  return layer;
}

}  // namespace medlar
