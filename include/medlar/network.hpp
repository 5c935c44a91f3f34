// SPDX-License-Identifier: Apache-2.0
// A network: tensors and layers, read from ONNX (OnnxParser) or built layer by layer.
//
// Ownership: the network owns its tensors and layers; references stay valid as long as the network.
// Threads: one at a time for a network and everything in it.
#pragma once

#include "medlar/error.hpp"
#include "medlar/types.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace medlar {

struct TensorState;
struct LayerState;
struct NetworkState;
class Layer;

/// A value that flows between layers. Shapes are NCHW; open dimensions are -1.
class MEDLAR_API Tensor {
 public:
  ~Tensor();
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  const std::string& name() const noexcept;
  /// Throws AlreadyExists when another tensor of the network has the name.
  void setName(std::string_view name);
  /// Inferred when asked for; throws when the layers before contradict each other.
  Dims dims() const;
  /// Of a network input only.
  void setDims(const Dims& dims);
  DataType type() const;
  /// Of a network input (its element type) or output (what the engine delivers).
  void setType(DataType type);
  bool isInput() const noexcept;
  bool isOutput() const noexcept;
  bool isShapeTensor() const;

  /// Range of the values for INT8 without calibration: real values in [-max(|low|,|high|), ...] map to
  /// -127..127.
  void setDynamicRange(float low, float high);
  std::optional<std::pair<float, float>> dynamicRange() const noexcept;
  void resetDynamicRange() noexcept;

  /// TensorRT's TensorFormats bit mask. kLINEAR (1) is what engines take and give.
  std::uint32_t allowedFormats() const noexcept;
  void setAllowedFormats(std::uint32_t formats);

  TensorState& state() noexcept { return *state_; }
  const TensorState& state() const noexcept { return *state_; }
  explicit Tensor(std::unique_ptr<TensorState> state);

 private:
  std::unique_ptr<TensorState> state_;
};

/// One layer. Its parameters are read and set by name, in TensorRT's words and snake case; parameterNames()
/// lists them:
///
///   Convolution, Deconvolution  num_output_maps kernel_size stride pre_padding post_padding padding_mode
///   num_groups
///                               dilation kernel bias
///   Pooling                     type window_size stride pre_padding post_padding padding_mode
///                               average_count_excludes_padding blend_factor
///   Activation                  type alpha beta          ElementWise  op         Unary  op
///   Scale                       mode shift scale power channel_axis
///   Softmax                     axes                     Concatenation  axis     Constant  weights shape
///   Shuffle                     first_transpose reshape_dims second_transpose zero_is_placeholder
///   Reduce                      op axes keep_dims        MatrixMultiply  op0 op1
///   Slice                       start shape stride mode fill
///   Resize                      shape scales resize_mode coordinate_transformation nearest_rounding
///   LRN                         window_size alpha beta k  TopK  op k axes
///   Cast                        to_type                  Quantize, Dequantize  axis
///   Padding                     pre_padding post_padding  Shape  to_type
///   Normalization               axes epsilon num_groups compute_precision
///   Gather                      axis mode num_elementwise_dims
///   Scatter                     axis mode                OneHot  axis           Einsum  equation
///   GridSample                  interpolation_mode align_corners sample_mode
///   Cumulative                  op exclusive reverse     NMS  bounding_box_format topk_box_limit
///   ReverseSequence             batch_axis sequence_axis
///   Fill                        shape op alpha beta to_type                     Assertion  message
///
/// `axes` is a bit mask. Setting a parameter that the kind lacks throws NotFound.
class MEDLAR_API Layer {
 public:
  ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  LayerType type() const noexcept;
  /// The ONNX operator of a parsed layer, "" for others.
  const std::string& onnxOperator() const noexcept;
  const std::string& name() const noexcept;
  void setName(std::string_view name);
  const std::string& metadata() const noexcept;
  void setMetadata(std::string_view metadata);

  /// Tensors that the layer reads; constants of a parsed model are not counted.
  int numInputs() const noexcept;
  Tensor* input(int index) const;
  /// Of a layer that was added to the network, inputs behind those that it was made with, too, where its kind
  /// has such: the reshape dimensions of a shuffle (1), start, size, stride and fill of a slice (1 to 4), the
  /// sizes of a resize (1), kernel and bias of a convolution (1, 2), k (1), the thresholds of NMS (3, 4),
  /// start and steps of a fill (1, 2).
  void setInput(int index, Tensor& tensor);
  int numOutputs() const noexcept;
  Tensor* output(int index) const;

  /// Computational precision that the layer is asked to have (BuilderFlag::k*PrecisionConstraints).
  void setPrecision(DataType precision);
  void resetPrecision() noexcept;
  std::optional<DataType> precision() const noexcept;
  void setOutputType(int index, DataType type);
  void resetOutputType(int index);
  std::optional<DataType> outputType(int index) const;

  std::vector<std::string> parameterNames() const;
  std::int64_t getInt(std::string_view name) const;
  double getFloat(std::string_view name) const;
  Dims getDims(std::string_view name) const;
  OwnedWeights getWeights(std::string_view name) const;
  const std::string& getString(std::string_view name) const;
  Layer& setInt(std::string_view name, std::int64_t value);
  Layer& setFloat(std::string_view name, double value);
  Layer& setDims(std::string_view name, const Dims& value);
  Layer& setWeights(std::string_view name, const Weights& value);
  Layer& setString(std::string_view name, std::string_view value);

  LayerState& state() noexcept { return *state_; }
  const LayerState& state() const noexcept { return *state_; }
  explicit Layer(std::unique_ptr<LayerState> state);

 private:
  std::unique_ptr<LayerState> state_;
};

/// How a window moves: of a convolution or a pooling. Empty dims: 1 (stride, dilation) or 0 (padding)
/// everywhere.
struct Window {
  Dims stride = {};
  Dims prePadding = {};
  Dims postPadding = {};  ///< Empty: as prePadding.
  Dims dilation = {};
  std::int64_t groups = 1;
};

class MEDLAR_API NetworkDefinition {
 public:
  ~NetworkDefinition();
  NetworkDefinition(const NetworkDefinition&) = delete;
  NetworkDefinition& operator=(const NetworkDefinition&) = delete;

  const std::string& name() const noexcept;
  void setName(std::string_view name);

  Tensor& addInput(std::string_view name, DataType type, const Dims& dims);
  void markOutput(Tensor& tensor);
  void unmarkOutput(Tensor& tensor);

  int numInputs() const noexcept;
  Tensor& input(int index) const;
  int numOutputs() const noexcept;
  Tensor& output(int index) const;
  int numLayers() const noexcept;
  Layer& layer(int index) const;

  /// Kernel weights in [outputs, inputs / groups, h, w] order; bias may be empty.
  Layer& addConvolutionNd(Tensor& input, std::int64_t outputs, const Dims& kernel, const Weights& weights,
                          const Weights& bias = {}, const Window& window = {});
  /// Kernel weights in [inputs, outputs / groups, h, w] order.
  Layer& addDeconvolutionNd(Tensor& input, std::int64_t outputs, const Dims& kernel, const Weights& weights,
                            const Weights& bias = {}, const Window& window = {});
  Layer& addPoolingNd(Tensor& input, PoolingType type, const Dims& window, const Window& movement = {});
  Layer& addActivation(Tensor& input, ActivationType type, double alpha = 0.0, double beta = 0.0);
  Layer& addElementWise(Tensor& a, Tensor& b, ElementWiseOperation operation);
  /// (x * scale + shift) ^ power; empty weights are 1, 0 and 1.
  Layer& addScale(Tensor& input, ScaleMode mode, const Weights& shift, const Weights& scale,
                  const Weights& power, int channelAxis = 1);
  Layer& addConcatenation(const std::vector<Tensor*>& inputs, int axis = 1);
  Layer& addMatrixMultiply(Tensor& a, MatrixOperation onA, Tensor& b, MatrixOperation onB);
  Layer& addFullyConnected(Tensor& input, std::int64_t outputs, const Weights& kernel,
                           const Weights& bias = {});
  Layer& addResize(Tensor& input);
  Layer& addSoftMax(Tensor& input, std::uint32_t axes = 0);  ///< 0: axis 1 (or the last of less than two).
  Layer& addShuffle(Tensor& input);
  Layer& addConstant(const Dims& dims, const Weights& weights);
  Layer& addUnary(Tensor& input, UnaryOperation operation);
  Layer& addReduce(Tensor& input, ReduceOperation operation, std::uint32_t axes, bool keepDimensions);
  Layer& addSlice(Tensor& input, const Dims& start, const Dims& shape, const Dims& stride);
  Layer& addLRN(Tensor& input, std::int64_t window, double alpha, double beta, double k);
  Layer& addParametricReLU(Tensor& input, Tensor& slope);
  Layer& addPaddingNd(Tensor& input, const Dims& prePadding, const Dims& postPadding);
  Layer& addIdentity(Tensor& input);
  Layer& addCast(Tensor& input, DataType type);
  Layer& addGather(Tensor& data, Tensor& indices, int axis);
  /// kDefault gathers along axis 0, kElement needs indices of the data's rank, kNd has index tuples
  /// innermost.
  Layer& addGatherV2(Tensor& data, Tensor& indices, GatherMode mode);
  Layer& addTopK(Tensor& input, TopKOperation operation, int k, std::uint32_t axes);
  Layer& addSelect(Tensor& condition, Tensor& then, Tensor& otherwise);
  Layer& addShape(Tensor& input, DataType type = DataType::kInt64);
  Layer& addQuantize(Tensor& input, Tensor& scale);
  Layer& addDequantize(Tensor& input, Tensor& scale);
  /// (x - mean) / sqrt(variance + epsilon) * scale + bias over `axes`; scale and bias broadcast to the input,
  /// or hold one value a group.
  Layer& addNormalization(Tensor& input, Tensor& scale, Tensor& bias, std::uint32_t axes);
  Layer& addEinsum(const std::vector<Tensor*>& inputs, std::string_view equation);
  /// `values`: what stands for off and for on. `depth`: a scalar.
  Layer& addOneHot(Tensor& indices, Tensor& values, Tensor& depth, int axis);
  Layer& addScatter(Tensor& data, Tensor& indices, Tensor& updates, ScatterMode mode);
  Layer& addGridSample(Tensor& input, Tensor& grid);
  Layer& addSqueeze(Tensor& input, Tensor& axes);
  Layer& addUnsqueeze(Tensor& input, Tensor& axes);
  /// `axis`: a scalar.
  Layer& addCumulative(Tensor& input, Tensor& axis, CumulativeOperation operation, bool exclusive,
                       bool reverse);
  /// Indices as int32 [rank, count]; only a run tells the count.
  Layer& addNonZero(Tensor& input);
  /// boxes [batch, boxes, 4], scores [batch, boxes, classes]; outputs: int32 [selected, 3] of batch, class,
  /// box, and how many they are.
  Layer& addNMS(Tensor& boxes, Tensor& scores, Tensor& maxOutputBoxesPerClass);
  Layer& addReverseSequence(Tensor& input, Tensor& lengths);
  /// Numbers alpha + beta * i. Random operations are not available.
  Layer& addFill(const Dims& dims, FillOperation operation, DataType type = DataType::kFloat32);
  /// `condition` must be a constant that holds: a layer without outputs.
  Layer& addAssertion(Tensor& condition, std::string_view message);

  NetworkState& state() noexcept { return *state_; }
  const NetworkState& state() const noexcept { return *state_; }
  explicit NetworkDefinition(std::unique_ptr<NetworkState> state);

 private:
  std::unique_ptr<NetworkState> state_;
};

}  // namespace medlar
