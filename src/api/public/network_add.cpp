// SPDX-License-Identifier: Apache-2.0
// Networks built layer by layer.
#include "api/public/errors.hpp"
#include "api/public/network_state.hpp"
#include "api/public/types.hpp"
#include "medlar/network.hpp"

#include <algorithm>
#include <bit>

#include <fmt/ranges.h>

namespace medlar {
namespace {

int64_t channels_of(const Tensor& input, std::string_view what) {
  const Dims dims = input.dims();
  if (dims.size() < 3 || dims[1] < 1) {
    door::raise(ErrorCode::kInvalidArgument, "{}: input '{}' is [{}], not NCHW with known channels", what,
                input.name(), fmt::join(dims, ","));
  }
  return dims[1];
}

Dims or_all(const Dims& dims, size_t count, int64_t fallback) {
  return dims.empty() ? Dims(count, fallback) : dims;
}

void set_window(Layer& layer, const Dims& kernel, const Window& window) {
  const size_t n = kernel.size();
  layer.setDims("stride", or_all(window.stride, n, 1));
  layer.setDims("pre_padding", or_all(window.prePadding, n, 0));
  layer.setDims("post_padding",
                window.postPadding.empty() ? or_all(window.prePadding, n, 0) : window.postPadding);
  layer.setInt("padding_mode", static_cast<int>(PaddingMode::kExplicitRoundDown));
}

void check_kernel(const Dims& kernel, std::string_view what) {
  if (kernel.empty() || kernel.size() > 3 ||
      std::any_of(kernel.begin(), kernel.end(), [](int64_t k) { return k < 1; })) {
    door::raise(ErrorCode::kInvalidArgument, "{}: window [{}]", what, fmt::join(kernel, ","));
  }
}

struct ConvolutionRequest {
  LayerType type;
  std::string_view kind;
  int64_t outputs;
  const Dims& kernel;
  const Weights& weights;
  const Weights& bias;
  const Window& window;
};

Layer& add_convolution(NetworkState& network, Tensor& input, const ConvolutionRequest& r) {
  check_kernel(r.kernel, r.kind);
  network.check_owner(input, r.kind);
  const int64_t in = channels_of(input, r.kind);
  const int64_t groups = r.window.groups;
  if (r.outputs < 1 || groups < 1 || in % groups != 0 || r.outputs % groups != 0) {
    door::raise(ErrorCode::kInvalidArgument, "{}: {} outputs and {} inputs in {} groups", r.kind, r.outputs,
                in, groups);
  }
  Layer& layer = network.new_layer(r.type, r.kind, {&input});
  auto& p = layer.state().parameters;
  p["num_output_maps"] = r.outputs;
  p["kernel_size"] = r.kernel;
  p["num_groups"] = groups;
  p["dilation"] = or_all(r.window.dilation, r.kernel.size(), 1);
  set_window(layer, r.kernel, r.window);
  // The group count may still change, so the data are kept flat and shaped when the network is lowered.
  p["kernel"] = door::constant_of(r.weights, {r.weights.count}, "kernel weights");
  p["bias"] = door::constant_of(r.bias, {r.bias.count}, "bias weights");
  if (r.bias.count != 0 && r.bias.count != r.outputs) {
    door::raise(ErrorCode::kInvalidArgument, "{}: {} bias values for {} outputs", r.kind, r.bias.count,
                r.outputs);
  }
  return layer;
}

}  // namespace

Layer& NetworkDefinition::addConvolutionNd(Tensor& input, int64_t outputs, const Dims& kernel,
                                           const Weights& weights, const Weights& bias,
                                           const Window& window) {
  return add_convolution(*state_, input,
                         {LayerType::kConvolution, "Convolution", outputs, kernel, weights, bias, window});
}

Layer& NetworkDefinition::addDeconvolutionNd(Tensor& input, int64_t outputs, const Dims& kernel,
                                             const Weights& weights, const Weights& bias,
                                             const Window& window) {
  return add_convolution(
      *state_, input, {LayerType::kDeconvolution, "Deconvolution", outputs, kernel, weights, bias, window});
}

Layer& NetworkDefinition::addPoolingNd(Tensor& input, PoolingType type, const Dims& window,
                                       const Window& movement) {
  check_kernel(window, "Pooling");
  Layer& layer = state_->new_layer(LayerType::kPooling, "Pooling", {&input});
  auto& p = layer.state().parameters;
  p["type"] = static_cast<int64_t>(type);
  p["window_size"] = window;
  p["average_count_excludes_padding"] = int64_t{1};
  p["blend_factor"] = 0.0;
  Window moves = movement;
  moves.stride = movement.stride.empty() ? window : movement.stride;  // as TensorRT: without overlap
  set_window(layer, window, moves);
  return layer;
}

Layer& NetworkDefinition::addActivation(Tensor& input, ActivationType type, double alpha, double beta) {
  Layer& layer = state_->new_layer(LayerType::kActivation, "Activation", {&input});
  layer.state().parameters = {{"type", static_cast<int64_t>(type)}, {"alpha", alpha}, {"beta", beta}};
  return layer;
}

Layer& NetworkDefinition::addElementWise(Tensor& a, Tensor& b, ElementWiseOperation operation) {
  Layer& layer = state_->new_layer(LayerType::kElementwise, "ElementWise", {&a, &b});
  layer.state().parameters["op"] = static_cast<int64_t>(operation);
  return layer;
}

Layer& NetworkDefinition::addScale(Tensor& input, ScaleMode mode, const Weights& shift, const Weights& scale,
                                   const Weights& power, int channelAxis) {
  Layer& layer = state_->new_layer(LayerType::kScale, "Scale", {&input});
  layer.state().parameters = {{"mode", static_cast<int64_t>(mode)},
                              {"shift", door::constant_of(shift, {shift.count}, "shift")},
                              {"scale", door::constant_of(scale, {scale.count}, "scale")},
                              {"power", door::constant_of(power, {power.count}, "power")},
                              {"channel_axis", static_cast<int64_t>(channelAxis)}};
  return layer;
}

Layer& NetworkDefinition::addConcatenation(const std::vector<Tensor*>& inputs, int axis) {
  if (inputs.empty()) {
    door::raise(ErrorCode::kInvalidArgument, "Concatenation: no inputs");
  }
  Layer& layer = state_->new_layer(LayerType::kConcatenation, "Concatenation", inputs);
  layer.state().parameters["axis"] = static_cast<int64_t>(axis);
  return layer;
}

Layer& NetworkDefinition::addMatrixMultiply(Tensor& a, MatrixOperation onA, Tensor& b, MatrixOperation onB) {
  Layer& layer = state_->new_layer(LayerType::kMatrixMultiply, "Matrix Multiply", {&a, &b});
  layer.state().parameters = {{"op0", static_cast<int64_t>(onA)}, {"op1", static_cast<int64_t>(onB)}};
  return layer;
}

Layer& NetworkDefinition::addFullyConnected(Tensor& input, int64_t outputs, const Weights& kernel,
                                            const Weights& bias) {
  const Dims dims = input.dims();
  if (dims.size() != 4) {
    door::raise(ErrorCode::kInvalidArgument, "Fully Connected: input '{}' is [{}], not NCHW", input.name(),
                fmt::join(dims, ","));
  }
  return add_convolution(
      *state_, input,
      {LayerType::kConvolution, "Fully Connected", outputs, {dims[2], dims[3]}, kernel, bias, {}});
}

Layer& NetworkDefinition::addResize(Tensor& input) {
  Layer& layer = state_->new_layer(LayerType::kResize, "Resize", {&input});
  layer.state().parameters = {
      {"resize_mode", static_cast<int64_t>(ResizeMode::kNearest)},
      {"coordinate_transformation", static_cast<int64_t>(ResizeCoordinates::kAsymmetric)},
      {"nearest_rounding", static_cast<int64_t>(ResizeRounding::kFloor)}};
  return layer;
}

Layer& NetworkDefinition::addSoftMax(Tensor& input, uint32_t axes) {
  const size_t rank = axes == 0 ? input.dims().size() : 0;  // before the layer is there: shapes want its axes
  Layer& layer = state_->new_layer(LayerType::kSoftmax, "Softmax", {&input});
  layer.state().parameters["axes"] = static_cast<int64_t>(axes != 0 ? axes : (rank < 2 ? 1U : 2U));
  return layer;
}

Layer& NetworkDefinition::addShuffle(Tensor& input) {
  Layer& layer = state_->new_layer(LayerType::kShuffle, "Shuffle", {&input});
  layer.state().parameters["zero_is_placeholder"] = int64_t{1};
  return layer;
}

Layer& NetworkDefinition::addConstant(const Dims& dims, const Weights& weights) {
  Constant data = door::constant_of(weights, dims, "constant");
  Layer& layer = state_->new_layer(LayerType::kConstant, "Constant", {});
  layer.state().parameters = {{"weights", std::move(data)}, {"shape", dims}};
  return layer;
}

Layer& NetworkDefinition::addUnary(Tensor& input, UnaryOperation operation) {
  Layer& layer = state_->new_layer(LayerType::kUnary, "Unary", {&input});
  layer.state().parameters["op"] = static_cast<int64_t>(operation);
  return layer;
}

Layer& NetworkDefinition::addReduce(Tensor& input, ReduceOperation operation, uint32_t axes,
                                    bool keepDimensions) {
  if (axes == 0) {
    door::raise(ErrorCode::kInvalidArgument, "Reduce of '{}': no axes", input.name());
  }
  Layer& layer = state_->new_layer(LayerType::kReduce, "Reduce", {&input});
  layer.state().parameters = {{"op", static_cast<int64_t>(operation)},
                              {"axes", static_cast<int64_t>(axes)},
                              {"keep_dims", static_cast<int64_t>(keepDimensions)}};
  return layer;
}

Layer& NetworkDefinition::addSlice(Tensor& input, const Dims& start, const Dims& shape, const Dims& stride) {
  if (start.size() != shape.size() || start.size() != stride.size()) {
    door::raise(ErrorCode::kInvalidArgument,
                "Slice of '{}': start [{}], shape [{}] and stride [{}] differ in rank", input.name(),
                fmt::join(start, ","), fmt::join(shape, ","), fmt::join(stride, ","));
  }
  Layer& layer = state_->new_layer(LayerType::kSlice, "Slice", {&input});
  layer.state().parameters = {{"start", start},
                              {"fill", 0.0},
                              {"shape", shape},
                              {"stride", stride},
                              {"mode", static_cast<int64_t>(SliceMode::kStrict)}};
  return layer;
}

Layer& NetworkDefinition::addLRN(Tensor& input, int64_t window, double alpha, double beta, double k) {
  Layer& layer = state_->new_layer(LayerType::kLrn, "LRN", {&input});
  layer.state().parameters = {{"window_size", window}, {"alpha", alpha}, {"beta", beta}, {"k", k}};
  return layer;
}

Layer& NetworkDefinition::addParametricReLU(Tensor& input, Tensor& slope) {
  return state_->new_layer(LayerType::kParametricRelu, "ParametricReLU", {&input, &slope});
}

Layer& NetworkDefinition::addPaddingNd(Tensor& input, const Dims& prePadding, const Dims& postPadding) {
  if (prePadding.size() != 2 || postPadding.size() != 2) {
    door::raise(ErrorCode::kInvalidArgument,
                "Padding of '{}': pre-padding [{}] and post-padding [{}] want two dimensions", input.name(),
                fmt::join(prePadding, ","), fmt::join(postPadding, ","));
  }
  Layer& layer = state_->new_layer(LayerType::kPadding, "Padding", {&input});
  layer.state().parameters = {{"pre_padding", prePadding}, {"post_padding", postPadding}};
  return layer;
}

Layer& NetworkDefinition::addIdentity(Tensor& input) {
  return state_->new_layer(LayerType::kIdentity, "Identity", {&input});
}

Layer& NetworkDefinition::addCast(Tensor& input, DataType type) {
  door::graph_type(type);
  Layer& layer = state_->new_layer(LayerType::kCast, "Cast", {&input});
  layer.state().parameters["to_type"] = static_cast<int64_t>(type);
  return layer;
}

Layer& NetworkDefinition::addGather(Tensor& data, Tensor& indices, int axis) {
  Layer& layer = state_->new_layer(LayerType::kGather, "Gather", {&data, &indices});
  layer.state().parameters = {{"axis", static_cast<int64_t>(axis)},
                              {"mode", static_cast<int64_t>(GatherMode::kDefault)},
                              {"num_elementwise_dims", int64_t{0}}};
  return layer;
}

Layer& NetworkDefinition::addTopK(Tensor& input, TopKOperation operation, int k, uint32_t axes) {
  if (std::popcount(axes) != 1) {
    door::raise(ErrorCode::kInvalidArgument, "TopK of '{}': axes {:#x}, one is wanted", input.name(), axes);
  }
  Layer& layer = state_->new_layer(LayerType::kTopk, "TopK", {&input}, 2);
  layer.state().parameters = {{"op", static_cast<int64_t>(operation)},
                              {"k", static_cast<int64_t>(k)},
                              {"axes", static_cast<int64_t>(axes)}};
  return layer;
}

Layer& NetworkDefinition::addSelect(Tensor& condition, Tensor& then, Tensor& otherwise) {
  return state_->new_layer(LayerType::kSelect, "Select", {&condition, &then, &otherwise});
}

Layer& NetworkDefinition::addShape(Tensor& input, DataType type) {
  if (type != DataType::kInt64 && type != DataType::kInt32) {
    door::raise(ErrorCode::kInvalidArgument, "Shape of '{}' as {}: int64 or int32 is wanted", input.name(),
                dataTypeName(type));
  }
  Layer& layer = state_->new_layer(LayerType::kShape, "Shape", {&input});
  layer.state().parameters["to_type"] = static_cast<int64_t>(type);
  return layer;
}

Layer& NetworkDefinition::addQuantize(Tensor& input, Tensor& scale) {
  Layer& layer = state_->new_layer(LayerType::kQuantize, "Quantize", {&input, &scale});
  layer.state().parameters["axis"] = int64_t{1};
  return layer;
}

Layer& NetworkDefinition::addDequantize(Tensor& input, Tensor& scale) {
  Layer& layer = state_->new_layer(LayerType::kDequantize, "Dequantize", {&input, &scale});
  layer.state().parameters["axis"] = int64_t{1};
  return layer;
}

}  // namespace medlar
