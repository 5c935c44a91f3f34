// SPDX-License-Identifier: Apache-2.0
// TensorRT's network names: ITensor, the layers, INetworkDefinition. Layers are views of medlar::Layer: a setter sets the
// parameter of that name.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "medlar/compat/NvInferRuntimeBase.h"

namespace nvinfer1 {

enum class LayerType : int32_t {
  kCONVOLUTION, kCAST, kFULLY_CONNECTED = 1, kACTIVATION = 2, kPOOLING, kLRN, kSCALE, kSOFTMAX, kDECONVOLUTION, kCONCATENATION,
  kELEMENTWISE, kPLUGIN, kUNARY, kPADDING, kSHUFFLE, kREDUCE, kTOPK, kGATHER, kMATRIX_MULTIPLY, kRAGGED_SOFTMAX, kCONSTANT,
  kIDENTITY, kPLUGIN_V2, kSLICE, kSHAPE, kPARAMETRIC_RELU, kRESIZE, kTRIP_LIMIT, kRECURRENCE, kITERATOR, kLOOP_OUTPUT, kSELECT,
  kFILL, kQUANTIZE, kDEQUANTIZE, kCONDITION, kCONDITIONAL_INPUT, kCONDITIONAL_OUTPUT, kSCATTER, kEINSUM, kASSERTION, kONE_HOT,
  kNON_ZERO, kGRID_SAMPLE, kNMS, kREVERSE_SEQUENCE, kNORMALIZATION, kPLUGIN_V3, kSQUEEZE, kUNSQUEEZE, kOTHER = 1000
};
enum class ActivationType : int32_t {
  kRELU, kSIGMOID, kTANH, kLEAKY_RELU, kELU, kSELU, kSOFTSIGN, kSOFTPLUS, kCLIP, kHARD_SIGMOID, kSCALED_TANH, kTHRESHOLDED_RELU,
  kGELU_ERF, kGELU_TANH
};
enum class PoolingType : int32_t { kMAX, kAVERAGE, kMAX_AVERAGE_BLEND };
enum class ElementWiseOperation : int32_t {
  kSUM, kPROD, kMAX, kMIN, kSUB, kDIV, kPOW, kFLOOR_DIV, kAND, kOR, kXOR, kEQUAL, kGREATER, kLESS
};
enum class UnaryOperation : int32_t {
  kEXP, kLOG, kSQRT, kRECIP, kABS, kNEG, kSIN, kCOS, kTAN, kSINH, kCOSH, kASIN, kACOS, kATAN, kASINH, kACOSH, kATANH, kCEIL, kFLOOR,
  kERF, kNOT, kSIGN, kROUND, kISINF, kISNAN
};
enum class ReduceOperation : int32_t { kSUM, kPROD, kMAX, kMIN, kAVG };
enum class MatrixOperation : int32_t { kNONE, kTRANSPOSE, kVECTOR };
enum class ScaleMode : int32_t { kUNIFORM, kCHANNEL, kELEMENTWISE };
enum class PaddingMode : int32_t { kEXPLICIT_ROUND_DOWN, kEXPLICIT_ROUND_UP, kSAME_UPPER, kSAME_LOWER };
enum class InterpolationMode : int32_t { kNEAREST, kLINEAR, kCUBIC };
using ResizeMode = InterpolationMode;
enum class ResizeCoordinateTransformation : int32_t { kALIGN_CORNERS, kASYMMETRIC, kHALF_PIXEL };
enum class ResizeRoundMode : int32_t { kHALF_UP, kHALF_DOWN, kFLOOR, kCEIL };
enum class TopKOperation : int32_t { kMAX, kMIN };
enum class SampleMode : int32_t { kSTRICT_BOUNDS, kWRAP, kCLAMP, kFILL, kREFLECT };
using SliceMode = SampleMode;

namespace compat {

/// What the objects of one network share.
struct NetworkShared {
  SharedLogger logger;
  bool refused = false;  ///< A setter failed; the log says which.

  template <typename Action>
  bool set(Action const& action) noexcept {
    bool const done = attempt_void(*logger, action);
    refused |= !done;
    return done;
  }
};
using Shared = std::shared_ptr<NetworkShared>;

}  // namespace compat

class ITensor {
 public:
  ITensor(medlar::Tensor& tensor, compat::Shared shared) : tensor_(&tensor), shared_(std::move(shared)) {}
  virtual ~ITensor() noexcept = default;
  void setName(char const* name) noexcept {
    shared_->set([&] { tensor_->setName(&compat::deref(name, "a tensor's name")); });
  }
  char const* getName() const noexcept { return tensor_->name().c_str(); }
  void setDimensions(Dims const& dims) noexcept {
    shared_->set([&] { tensor_->setDims(compat::dims(dims)); });
  }
  Dims getDimensions() const noexcept {
    Dims none;
    none.nbDims = -1;
    return compat::attempt(*shared_->logger, none, [&] { return compat::dims(tensor_->dims()); });
  }
  void setType(DataType type) noexcept {
    shared_->set([&] { tensor_->setType(static_cast<medlar::DataType>(type)); });
  }
  DataType getType() const noexcept {
    return compat::attempt(*shared_->logger, DataType::kFLOAT, [&] { return static_cast<DataType>(tensor_->type()); });
  }
  bool setDynamicRange(float min, float max) noexcept {
    return shared_->set([&] { tensor_->setDynamicRange(min, max); });
  }
  bool dynamicRangeIsSet() const noexcept { return tensor_->dynamicRange().has_value(); }
  void resetDynamicRange() noexcept { tensor_->resetDynamicRange(); }
  float getDynamicRangeMin() const noexcept { return tensor_->dynamicRange() ? tensor_->dynamicRange()->first : 0.0f; }
  float getDynamicRangeMax() const noexcept { return tensor_->dynamicRange() ? tensor_->dynamicRange()->second : 0.0f; }
  bool isNetworkInput() const noexcept { return tensor_->isInput(); }
  bool isNetworkOutput() const noexcept { return tensor_->isOutput(); }
  bool isShapeTensor() const noexcept {
    return compat::attempt(*shared_->logger, false, [&] { return tensor_->isShapeTensor(); });
  }
  bool isExecutionTensor() const noexcept { return !isShapeTensor(); }
  void setAllowedFormats(TensorFormats formats) noexcept {
    shared_->set([&] { tensor_->setAllowedFormats(formats); });
  }
  TensorFormats getAllowedFormats() const noexcept { return tensor_->allowedFormats(); }
  void setLocation(TensorLocation location) noexcept {
    shared_->set([&] {
      if (location != TensorLocation::kDEVICE) {
        throw medlar::Unsupported("tensors in host memory");
      }
    });
  }
  TensorLocation getLocation() const noexcept { return TensorLocation::kDEVICE; }
  medlar::Tensor& medlarTensor() const noexcept { return *tensor_; }

 private:
  medlar::Tensor* tensor_;
  compat::Shared shared_;
};

class INetworkDefinition;

class ILayer {
 public:
  ILayer(medlar::Layer& layer, INetworkDefinition& network, compat::Shared shared)
      : layer_(&layer), network_(&network), shared_(std::move(shared)) {}
  virtual ~ILayer() noexcept = default;
  LayerType getType() const noexcept { return static_cast<LayerType>(layer_->type()); }
  void setName(char const* name) noexcept {
    shared_->set([&] { layer_->setName(&compat::deref(name, "a layer's name")); });
  }
  char const* getName() const noexcept { return layer_->name().c_str(); }
  void setMetadata(char const* text) noexcept { layer_->setMetadata(text == nullptr ? "" : text); }
  char const* getMetadata() const noexcept { return layer_->metadata().c_str(); }
  int32_t getNbInputs() const noexcept { return layer_->numInputs(); }
  int32_t getNbOutputs() const noexcept { return layer_->numOutputs(); }
  inline ITensor* getInput(int32_t index) const noexcept;
  inline ITensor* getOutput(int32_t index) const noexcept;
  void setInput(int32_t index, ITensor& tensor) noexcept {
    shared_->set([&] { layer_->setInput(index, tensor.medlarTensor()); });
  }
  void setPrecision(DataType type) noexcept {
    shared_->set([&] { layer_->setPrecision(static_cast<medlar::DataType>(type)); });
  }
  DataType getPrecision() const noexcept {
    return layer_->precision() ? static_cast<DataType>(*layer_->precision()) : DataType::kFLOAT;
  }
  bool precisionIsSet() const noexcept { return layer_->precision().has_value(); }
  void resetPrecision() noexcept { layer_->resetPrecision(); }
  void setOutputType(int32_t index, DataType type) noexcept {
    shared_->set([&] { layer_->setOutputType(index, static_cast<medlar::DataType>(type)); });
  }
  bool outputTypeIsSet(int32_t index) const noexcept { return layer_->outputType(index).has_value(); }
  void resetOutputType(int32_t index) noexcept { layer_->resetOutputType(index); }
  DataType getOutputType(int32_t index) const noexcept {
    return layer_->outputType(index) ? static_cast<DataType>(*layer_->outputType(index)) : DataType::kFLOAT;
  }
  medlar::Layer& medlarLayer() const noexcept { return *layer_; }

 protected:
  void set_int(char const* name, int64_t value) noexcept {
    shared_->set([&] { layer_->setInt(name, value); });
  }
  int64_t get_int(char const* name) const noexcept {
    return compat::attempt(*shared_->logger, int64_t{0}, [&] { return layer_->getInt(name); });
  }
  void set_float(char const* name, double value) noexcept {
    shared_->set([&] { layer_->setFloat(name, value); });
  }
  double get_float(char const* name) const noexcept {
    return compat::attempt(*shared_->logger, 0.0, [&] { return layer_->getFloat(name); });
  }
  void set_dims(char const* name, Dims const& value) noexcept {
    shared_->set([&] { layer_->setDims(name, compat::dims(value)); });
  }
  Dims get_dims(char const* name) const noexcept {
    return compat::attempt(*shared_->logger, Dims(), [&] { return compat::dims(layer_->getDims(name)); });
  }
  void set_weights(char const* name, Weights const& value) noexcept {
    shared_->set([&] { layer_->setWeights(name, compat::weights(value)); });
  }
  void set_permutation(char const* name, Permutation const& order) noexcept {
    shared_->set([&] {
      auto const rank = layer_->input(0)->dims().size();
      layer_->setDims(name, medlar::Dims(order.order, order.order + std::min<std::size_t>(rank, Dims::MAX_DIMS)));
    });
  }

  medlar::Layer* layer_;
  INetworkDefinition* network_;
  compat::Shared shared_;
};

#define MEDLAR_COMPAT_INT(Type, Setter, Getter, name)                                              \
  void Setter(Type value) noexcept { set_int(name, static_cast<int64_t>(value)); }                 \
  Type Getter() const noexcept { return static_cast<Type>(get_int(name)); }
#define MEDLAR_COMPAT_FLOAT(Type, Setter, Getter, name)                                            \
  void Setter(Type value) noexcept { set_float(name, static_cast<double>(value)); }                \
  Type Getter() const noexcept { return static_cast<Type>(get_float(name)); }
#define MEDLAR_COMPAT_DIMS(Setter, Getter, name)                                                   \
  void Setter(Dims const& value) noexcept { set_dims(name, value); }                               \
  Dims Getter() const noexcept { return get_dims(name); }

class WindowedLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_DIMS(setStrideNd, getStrideNd, "stride")
  MEDLAR_COMPAT_DIMS(setStride, getStride, "stride")
  MEDLAR_COMPAT_DIMS(setPrePadding, getPrePadding, "pre_padding")
  MEDLAR_COMPAT_DIMS(setPostPadding, getPostPadding, "post_padding")
  void setPaddingNd(Dims const& value) noexcept {
    set_dims("pre_padding", value);
    set_dims("post_padding", value);
  }
  void setPadding(Dims const& value) noexcept { setPaddingNd(value); }
  Dims getPaddingNd() const noexcept { return get_dims("pre_padding"); }
  MEDLAR_COMPAT_INT(PaddingMode, setPaddingMode, getPaddingMode, "padding_mode")
};

class IConvolutionLayer : public WindowedLayer {
 public:
  using WindowedLayer::WindowedLayer;
  MEDLAR_COMPAT_DIMS(setKernelSizeNd, getKernelSizeNd, "kernel_size")
  MEDLAR_COMPAT_DIMS(setDilationNd, getDilationNd, "dilation")
  MEDLAR_COMPAT_DIMS(setDilation, getDilation, "dilation")
  MEDLAR_COMPAT_INT(int64_t, setNbOutputMaps, getNbOutputMaps, "num_output_maps")
  MEDLAR_COMPAT_INT(int64_t, setNbGroups, getNbGroups, "num_groups")
  void setKernelWeights(Weights weights) noexcept { set_weights("kernel", weights); }
  void setBiasWeights(Weights weights) noexcept { set_weights("bias", weights); }
};
class IDeconvolutionLayer : public IConvolutionLayer {
 public:
  using IConvolutionLayer::IConvolutionLayer;
};
class IFullyConnectedLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int64_t, setNbOutputChannels, getNbOutputChannels, "num_output_maps")
  void setKernelWeights(Weights weights) noexcept { set_weights("kernel", weights); }
  void setBiasWeights(Weights weights) noexcept { set_weights("bias", weights); }
};
class IPoolingLayer : public WindowedLayer {
 public:
  using WindowedLayer::WindowedLayer;
  MEDLAR_COMPAT_INT(PoolingType, setPoolingType, getPoolingType, "type")
  MEDLAR_COMPAT_DIMS(setWindowSizeNd, getWindowSizeNd, "window_size")
  MEDLAR_COMPAT_DIMS(setWindowSize, getWindowSize, "window_size")
  MEDLAR_COMPAT_INT(bool, setAverageCountExcludesPadding, getAverageCountExcludesPadding, "average_count_excludes_padding")
  MEDLAR_COMPAT_FLOAT(float, setBlendFactor, getBlendFactor, "blend_factor")
};
class IActivationLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(ActivationType, setActivationType, getActivationType, "type")
  MEDLAR_COMPAT_FLOAT(float, setAlpha, getAlpha, "alpha")
  MEDLAR_COMPAT_FLOAT(float, setBeta, getBeta, "beta")
};
class IElementWiseLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(ElementWiseOperation, setOperation, getOperation, "op")
};
class IUnaryLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(UnaryOperation, setOperation, getOperation, "op")
};
class IScaleLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(ScaleMode, setMode, getMode, "mode")
  MEDLAR_COMPAT_INT(int32_t, setChannelAxis, getChannelAxis, "channel_axis")
  void setShift(Weights weights) noexcept { set_weights("shift", weights); }
  void setScale(Weights weights) noexcept { set_weights("scale", weights); }
  void setPower(Weights weights) noexcept { set_weights("power", weights); }
};
class ISoftMaxLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(uint32_t, setAxes, getAxes, "axes")
};
class IConcatenationLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int32_t, setAxis, getAxis, "axis")
};
class IMatrixMultiplyLayer : public ILayer {
 public:
  using ILayer::ILayer;
  void setOperation(int32_t index, MatrixOperation op) noexcept { set_int(index == 0 ? "op0" : "op1", static_cast<int64_t>(op)); }
  MatrixOperation getOperation(int32_t index) const noexcept { return static_cast<MatrixOperation>(get_int(index == 0 ? "op0" : "op1")); }
};
class IShuffleLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_DIMS(setReshapeDimensions, getReshapeDimensions, "reshape_dims")
  void setFirstTranspose(Permutation order) noexcept { set_permutation("first_transpose", order); }
  void setSecondTranspose(Permutation order) noexcept { set_permutation("second_transpose", order); }
  MEDLAR_COMPAT_INT(bool, setZeroIsPlaceholder, getZeroIsPlaceholder, "zero_is_placeholder")
};
class IConstantLayer : public ILayer {
 public:
  using ILayer::ILayer;
  Dims getDimensions() const noexcept { return get_dims("shape"); }
};
class IReduceLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(ReduceOperation, setOperation, getOperation, "op")
  MEDLAR_COMPAT_INT(uint32_t, setReduceAxes, getReduceAxes, "axes")
  MEDLAR_COMPAT_INT(bool, setKeepDimensions, getKeepDimensions, "keep_dims")
};
class ISliceLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_DIMS(setStart, getStart, "start")
  MEDLAR_COMPAT_DIMS(setSize, getSize, "shape")
  MEDLAR_COMPAT_DIMS(setStride, getStride, "stride")
  MEDLAR_COMPAT_INT(SampleMode, setMode, getMode, "mode")
};
class IResizeLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_DIMS(setOutputDimensions, getOutputDimensions, "shape")
  void setScales(float const* scales, int32_t count) noexcept { set_weights("scales", {DataType::kFLOAT, scales, count}); }
  MEDLAR_COMPAT_INT(InterpolationMode, setResizeMode, getResizeMode, "resize_mode")
  MEDLAR_COMPAT_INT(ResizeCoordinateTransformation, setCoordinateTransformation, getCoordinateTransformation, "coordinate_transformation")
  MEDLAR_COMPAT_INT(ResizeRoundMode, setNearestRounding, getNearestRounding, "nearest_rounding")
};
class ILRNLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int64_t, setWindowSize, getWindowSize, "window_size")
  MEDLAR_COMPAT_FLOAT(float, setAlpha, getAlpha, "alpha")
  MEDLAR_COMPAT_FLOAT(float, setBeta, getBeta, "beta")
  MEDLAR_COMPAT_FLOAT(float, setK, getK, "k")
};
class ITopKLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(TopKOperation, setOperation, getOperation, "op")
  MEDLAR_COMPAT_INT(int32_t, setK, getK, "k")
  MEDLAR_COMPAT_INT(uint32_t, setReduceAxes, getReduceAxes, "axes")
};
class IGatherLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int32_t, setGatherAxis, getGatherAxis, "axis")
};
class IPaddingLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_DIMS(setPrePaddingNd, getPrePaddingNd, "pre_padding")
  MEDLAR_COMPAT_DIMS(setPostPaddingNd, getPostPaddingNd, "post_padding")
};
class IQuantizeLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int32_t, setAxis, getAxis, "axis")
};
class IDequantizeLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int32_t, setAxis, getAxis, "axis")
};
class IIdentityLayer : public ILayer {
 public:
  using ILayer::ILayer;
};
class ICastLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(DataType, setToType, getToType, "to_type")
};
class IParametricReLULayer : public ILayer {
 public:
  using ILayer::ILayer;
};
class ISelectLayer : public ILayer {
 public:
  using ILayer::ILayer;
};
class IShapeLayer : public ILayer {
 public:
  using ILayer::ILayer;
};

#undef MEDLAR_COMPAT_INT
#undef MEDLAR_COMPAT_FLOAT
#undef MEDLAR_COMPAT_DIMS

/// Owns its tensors and layers.
class INetworkDefinition {
 public:
  INetworkDefinition(std::unique_ptr<medlar::NetworkDefinition> network, compat::SharedLogger logger)
      : network_(std::move(network)), shared_(std::make_shared<compat::NetworkShared>(compat::NetworkShared{std::move(logger)})) {}
  virtual ~INetworkDefinition() noexcept = default;

  ITensor* addInput(char const* name, DataType type, Dims const& dims) noexcept {
    return compat::attempt<ITensor*>(*shared_->logger, nullptr, [&] {
      return tensor(&network_->addInput(&compat::deref(name, "an input's name"), static_cast<medlar::DataType>(type), compat::dims(dims)));
    });
  }
  void markOutput(ITensor& tensor) noexcept {
    shared_->set([&] { network_->markOutput(tensor.medlarTensor()); });
  }
  void unmarkOutput(ITensor& tensor) noexcept {
    shared_->set([&] { network_->unmarkOutput(tensor.medlarTensor()); });
  }
  int32_t getNbLayers() const noexcept { return network_->numLayers(); }
  int32_t getNbInputs() const noexcept { return network_->numInputs(); }
  int32_t getNbOutputs() const noexcept { return network_->numOutputs(); }
  ILayer* getLayer(int32_t index) const noexcept {
    return compat::attempt<ILayer*>(*shared_->logger, nullptr, [&] { return self().layer<ILayer>(network_->layer(index)); });
  }
  ITensor* getInput(int32_t index) const noexcept {
    return compat::attempt<ITensor*>(*shared_->logger, nullptr, [&] { return self().tensor(&network_->input(index)); });
  }
  ITensor* getOutput(int32_t index) const noexcept {
    return compat::attempt<ITensor*>(*shared_->logger, nullptr, [&] { return self().tensor(&network_->output(index)); });
  }
  void setName(char const* name) noexcept { network_->setName(name == nullptr ? "" : name); }
  char const* getName() const noexcept { return network_->name().c_str(); }
  bool hasImplicitBatchDimension() const noexcept { return false; }

  IConvolutionLayer* addConvolutionNd(ITensor& x, int64_t maps, Dims const& kernel, Weights weights, Weights bias) noexcept {
    return add<IConvolutionLayer>([&]() -> auto& {
      return network_->addConvolutionNd(x.medlarTensor(), maps, compat::dims(kernel), compat::weights(weights), compat::weights(bias));
    });
  }
  IDeconvolutionLayer* addDeconvolutionNd(ITensor& x, int64_t maps, Dims const& kernel, Weights weights, Weights bias) noexcept {
    return add<IDeconvolutionLayer>([&]() -> auto& {
      return network_->addDeconvolutionNd(x.medlarTensor(), maps, compat::dims(kernel), compat::weights(weights), compat::weights(bias));
    });
  }
  IFullyConnectedLayer* addFullyConnected(ITensor& x, int32_t outputs, Weights kernel, Weights bias) noexcept {
    return add<IFullyConnectedLayer>([&]() -> auto& {
      return network_->addFullyConnected(x.medlarTensor(), outputs, compat::weights(kernel), compat::weights(bias));
    });
  }
  IPoolingLayer* addPoolingNd(ITensor& x, PoolingType type, Dims const& window) noexcept {
    return add<IPoolingLayer>([&]() -> auto& {
      return network_->addPoolingNd(x.medlarTensor(), static_cast<medlar::PoolingType>(type), compat::dims(window));
    });
  }
  IActivationLayer* addActivation(ITensor& x, ActivationType type) noexcept {
    return add<IActivationLayer>([&]() -> auto& { return network_->addActivation(x.medlarTensor(), static_cast<medlar::ActivationType>(type)); });
  }
  IElementWiseLayer* addElementWise(ITensor& a, ITensor& b, ElementWiseOperation op) noexcept {
    return add<IElementWiseLayer>([&]() -> auto& {
      return network_->addElementWise(a.medlarTensor(), b.medlarTensor(), static_cast<medlar::ElementWiseOperation>(op));
    });
  }
  IScaleLayer* addScaleNd(ITensor& x, ScaleMode mode, Weights shift, Weights scale, Weights power, int32_t axis) noexcept {
    return add<IScaleLayer>([&]() -> auto& {
      return network_->addScale(x.medlarTensor(), static_cast<medlar::ScaleMode>(mode), compat::weights(shift), compat::weights(scale),
                                compat::weights(power), axis);
    });
  }
  IScaleLayer* addScale(ITensor& x, ScaleMode mode, Weights shift, Weights scale, Weights power) noexcept {
    return addScaleNd(x, mode, shift, scale, power, 1);
  }
  ISoftMaxLayer* addSoftMax(ITensor& x) noexcept {
    return add<ISoftMaxLayer>([&]() -> auto& { return network_->addSoftMax(x.medlarTensor()); });
  }
  IConcatenationLayer* addConcatenation(ITensor* const* inputs, int32_t count) noexcept {
    return add<IConcatenationLayer>([&]() -> auto& {
      compat::deref(inputs, "inputs");
      std::vector<medlar::Tensor*> list;
      for (int32_t i = 0; i < count; ++i) {
        list.push_back(&compat::deref(inputs[i], "an input").medlarTensor());
      }
      return network_->addConcatenation(list);
    });
  }
  IMatrixMultiplyLayer* addMatrixMultiply(ITensor& a, MatrixOperation opA, ITensor& b, MatrixOperation opB) noexcept {
    return add<IMatrixMultiplyLayer>([&]() -> auto& {
      return network_->addMatrixMultiply(a.medlarTensor(), static_cast<medlar::MatrixOperation>(opA), b.medlarTensor(),
                                         static_cast<medlar::MatrixOperation>(opB));
    });
  }
  IShuffleLayer* addShuffle(ITensor& x) noexcept {
    return add<IShuffleLayer>([&]() -> auto& { return network_->addShuffle(x.medlarTensor()); });
  }
  IConstantLayer* addConstant(Dims const& dims, Weights weights) noexcept {
    return add<IConstantLayer>([&]() -> auto& { return network_->addConstant(compat::dims(dims), compat::weights(weights)); });
  }
  IUnaryLayer* addUnary(ITensor& x, UnaryOperation op) noexcept {
    return add<IUnaryLayer>([&]() -> auto& { return network_->addUnary(x.medlarTensor(), static_cast<medlar::UnaryOperation>(op)); });
  }
  IReduceLayer* addReduce(ITensor& x, ReduceOperation op, uint32_t axes, bool keep) noexcept {
    return add<IReduceLayer>([&]() -> auto& {
      return network_->addReduce(x.medlarTensor(), static_cast<medlar::ReduceOperation>(op), axes, keep);
    });
  }
  ISliceLayer* addSlice(ITensor& x, Dims const& start, Dims const& size, Dims const& stride) noexcept {
    return add<ISliceLayer>([&]() -> auto& {
      return network_->addSlice(x.medlarTensor(), compat::dims(start), compat::dims(size), compat::dims(stride));
    });
  }
  IResizeLayer* addResize(ITensor& x) noexcept {
    return add<IResizeLayer>([&]() -> auto& { return network_->addResize(x.medlarTensor()); });
  }
  ILRNLayer* addLRN(ITensor& x, int64_t window, float alpha, float beta, float k) noexcept {
    return add<ILRNLayer>([&]() -> auto& { return network_->addLRN(x.medlarTensor(), window, alpha, beta, k); });
  }
  ITopKLayer* addTopK(ITensor& x, TopKOperation op, int32_t k, uint32_t axes) noexcept {
    return add<ITopKLayer>([&]() -> auto& {
      return network_->addTopK(x.medlarTensor(), static_cast<medlar::TopKOperation>(op), k, axes);
    });
  }
  IGatherLayer* addGather(ITensor& data, ITensor& indices, int32_t axis) noexcept {
    return add<IGatherLayer>([&]() -> auto& { return network_->addGather(data.medlarTensor(), indices.medlarTensor(), axis); });
  }
  IPaddingLayer* addPaddingNd(ITensor& x, Dims const& pre, Dims const& post) noexcept {
    return add<IPaddingLayer>([&]() -> auto& { return network_->addPaddingNd(x.medlarTensor(), compat::dims(pre), compat::dims(post)); });
  }
  IParametricReLULayer* addParametricReLU(ITensor& x, ITensor& slope) noexcept {
    return add<IParametricReLULayer>([&]() -> auto& { return network_->addParametricReLU(x.medlarTensor(), slope.medlarTensor()); });
  }
  IIdentityLayer* addIdentity(ITensor& x) noexcept {
    return add<IIdentityLayer>([&]() -> auto& { return network_->addIdentity(x.medlarTensor()); });
  }
  ICastLayer* addCast(ITensor& x, DataType type) noexcept {
    return add<ICastLayer>([&]() -> auto& { return network_->addCast(x.medlarTensor(), static_cast<medlar::DataType>(type)); });
  }
  ISelectLayer* addSelect(ITensor& condition, ITensor& then, ITensor& otherwise) noexcept {
    return add<ISelectLayer>([&]() -> auto& {
      return network_->addSelect(condition.medlarTensor(), then.medlarTensor(), otherwise.medlarTensor());
    });
  }
  IShapeLayer* addShape(ITensor& x) noexcept {
    return add<IShapeLayer>([&]() -> auto& { return network_->addShape(x.medlarTensor()); });
  }
  IQuantizeLayer* addQuantize(ITensor& x, ITensor& scale) noexcept {
    return add<IQuantizeLayer>([&]() -> auto& { return network_->addQuantize(x.medlarTensor(), scale.medlarTensor()); });
  }
  IDequantizeLayer* addDequantize(ITensor& x, ITensor& scale) noexcept {
    return add<IDequantizeLayer>([&]() -> auto& { return network_->addDequantize(x.medlarTensor(), scale.medlarTensor()); });
  }

  medlar::NetworkDefinition& medlarNetwork() noexcept { return *network_; }
  /// A setter was refused (the log says which): no engine comes of it.
  bool refused() const noexcept { return shared_->refused; }
  ITensor* tensor(medlar::Tensor* of) {
    if (of == nullptr) {
      return nullptr;
    }
    auto& slot = tensors_[of];
    if (!slot) {
      slot = std::make_unique<ITensor>(*of, shared_);
    }
    return slot.get();
  }
  void destroy() noexcept { delete this; }

 private:
  INetworkDefinition& self() const noexcept { return const_cast<INetworkDefinition&>(*this); }
  template <typename Kind>
  Kind* layer(medlar::Layer& of) {
    auto& slot = layers_[&of];
    if (!slot) {
      slot = kind_of<Kind>(of);
    }
    return static_cast<Kind*>(slot.get());
  }
  /// Of the class that its type says, so that a program may cast what getLayer() gives.
  template <typename Kind>
  std::unique_ptr<ILayer> kind_of(medlar::Layer& of) {
    if constexpr (!std::is_same_v<Kind, ILayer>) {
      return std::make_unique<Kind>(of, *this, shared_);
    } else {
      switch (of.type()) {
        case medlar::LayerType::kConvolution: return std::make_unique<IConvolutionLayer>(of, *this, shared_);
        case medlar::LayerType::kDeconvolution: return std::make_unique<IDeconvolutionLayer>(of, *this, shared_);
        case medlar::LayerType::kPooling: return std::make_unique<IPoolingLayer>(of, *this, shared_);
        case medlar::LayerType::kActivation: return std::make_unique<IActivationLayer>(of, *this, shared_);
        case medlar::LayerType::kElementwise: return std::make_unique<IElementWiseLayer>(of, *this, shared_);
        case medlar::LayerType::kUnary: return std::make_unique<IUnaryLayer>(of, *this, shared_);
        case medlar::LayerType::kScale: return std::make_unique<IScaleLayer>(of, *this, shared_);
        case medlar::LayerType::kSoftmax: return std::make_unique<ISoftMaxLayer>(of, *this, shared_);
        case medlar::LayerType::kConcatenation: return std::make_unique<IConcatenationLayer>(of, *this, shared_);
        case medlar::LayerType::kShuffle: return std::make_unique<IShuffleLayer>(of, *this, shared_);
        case medlar::LayerType::kReduce: return std::make_unique<IReduceLayer>(of, *this, shared_);
        default: return std::make_unique<ILayer>(of, *this, shared_);
      }
    }
  }
  template <typename Kind, typename Action>
  Kind* add(Action const& action) noexcept {
    return compat::attempt<Kind*>(*shared_->logger, nullptr, [&] { return layer<Kind>(action()); });
  }

  std::unique_ptr<medlar::NetworkDefinition> network_;
  compat::Shared shared_;
  std::map<medlar::Tensor*, std::unique_ptr<ITensor>> tensors_;
  std::map<medlar::Layer*, std::unique_ptr<ILayer>> layers_;
};

ITensor* ILayer::getInput(int32_t index) const noexcept {
  return compat::attempt<ITensor*>(*shared_->logger, nullptr, [&] { return network_->tensor(layer_->input(index)); });
}
ITensor* ILayer::getOutput(int32_t index) const noexcept {
  return compat::attempt<ITensor*>(*shared_->logger, nullptr, [&] { return network_->tensor(layer_->output(index)); });
}

}  // namespace nvinfer1
