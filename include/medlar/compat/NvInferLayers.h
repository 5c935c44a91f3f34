// SPDX-License-Identifier: Apache-2.0
// TensorRT's layers, one class a kind: a setter sets the parameter of that name.
#pragma once

#include "medlar/compat/NvInferTensor.h"

#include <vector>

namespace nvinfer1 {

#define MEDLAR_COMPAT_INT(Type, Setter, Getter, name) \
  void Setter(Type value) noexcept {                  \
    set_int(name, static_cast<int64_t>(value));       \
  }                                                   \
  Type Getter() const noexcept {                      \
    return static_cast<Type>(get_int(name));          \
  }
#define MEDLAR_COMPAT_FLOAT(Type, Setter, Getter, name) \
  void Setter(Type value) noexcept {                    \
    set_float(name, static_cast<double>(value));        \
  }                                                     \
  Type Getter() const noexcept {                        \
    return static_cast<Type>(get_float(name));          \
  }
#define MEDLAR_COMPAT_DIMS(Setter, Getter, name) \
  void Setter(Dims const& value) noexcept {      \
    set_dims(name, value);                       \
  }                                              \
  Dims Getter() const noexcept {                 \
    return get_dims(name);                       \
  }

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
  Weights getKernelWeights() const noexcept { return get_weights("kernel"); }
  void setBiasWeights(Weights weights) noexcept { set_weights("bias", weights); }
  Weights getBiasWeights() const noexcept { return get_weights("bias"); }
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
  Weights getKernelWeights() const noexcept { return get_weights("kernel"); }
  void setBiasWeights(Weights weights) noexcept { set_weights("bias", weights); }
  Weights getBiasWeights() const noexcept { return get_weights("bias"); }
};
class IPoolingLayer : public WindowedLayer {
 public:
  using WindowedLayer::WindowedLayer;
  MEDLAR_COMPAT_INT(PoolingType, setPoolingType, getPoolingType, "type")
  MEDLAR_COMPAT_DIMS(setWindowSizeNd, getWindowSizeNd, "window_size")
  MEDLAR_COMPAT_DIMS(setWindowSize, getWindowSize, "window_size")
  MEDLAR_COMPAT_INT(bool, setAverageCountExcludesPadding, getAverageCountExcludesPadding,
                    "average_count_excludes_padding")
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
  Weights getShift() const noexcept { return get_weights("shift"); }
  void setScale(Weights weights) noexcept { set_weights("scale", weights); }
  Weights getScale() const noexcept { return get_weights("scale"); }
  void setPower(Weights weights) noexcept { set_weights("power", weights); }
  Weights getPower() const noexcept { return get_weights("power"); }
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
  void setOperation(int32_t index, MatrixOperation op) noexcept {
    set_int(index == 0 ? "op0" : "op1", static_cast<int64_t>(op));
  }
  MatrixOperation getOperation(int32_t index) const noexcept {
    return static_cast<MatrixOperation>(get_int(index == 0 ? "op0" : "op1"));
  }
};
class IShuffleLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_DIMS(setReshapeDimensions, getReshapeDimensions, "reshape_dims")
  void setFirstTranspose(Permutation order) noexcept { set_permutation("first_transpose", order); }
  Permutation getFirstTranspose() const noexcept { return get_permutation("first_transpose"); }
  Permutation getSecondTranspose() const noexcept { return get_permutation("second_transpose"); }
  void setSecondTranspose(Permutation order) noexcept { set_permutation("second_transpose", order); }
  MEDLAR_COMPAT_INT(bool, setZeroIsPlaceholder, getZeroIsPlaceholder, "zero_is_placeholder")
};
class IConstantLayer : public ILayer {
 public:
  using ILayer::ILayer;
  void setWeights(Weights weights) noexcept { set_weights("weights", weights); }
  Weights getWeights() const noexcept { return get_weights("weights"); }
  MEDLAR_COMPAT_DIMS(setDimensions, getDimensions, "shape")
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
  void setScales(float const* scales, int32_t count) noexcept {
    set_weights("scales", {DataType::kFLOAT, scales, count});
  }
  /// How many scales there are; at most `size` of them are written.
  int32_t getScales(int32_t size, float* scales) const noexcept {
    Weights const given = get_weights("scales");
    for (int32_t i = 0; scales != nullptr && i < size && i < given.count; ++i) {
      scales[i] = static_cast<float const*>(given.values)[i];
    }
    return static_cast<int32_t>(given.count);
  }
  MEDLAR_COMPAT_INT(InterpolationMode, setResizeMode, getResizeMode, "resize_mode")
  MEDLAR_COMPAT_INT(ResizeCoordinateTransformation, setCoordinateTransformation, getCoordinateTransformation,
                    "coordinate_transformation")
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
  MEDLAR_COMPAT_INT(int32_t, setNbElementWiseDims, getNbElementWiseDims, "num_elementwise_dims")
  MEDLAR_COMPAT_INT(GatherMode, setMode, getMode, "mode")
};
class IScatterLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(ScatterMode, setMode, getMode, "mode")
  MEDLAR_COMPAT_INT(int32_t, setAxis, getAxis, "axis")
};
class IOneHotLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int32_t, setAxis, getAxis, "axis")
};
class IEinsumLayer : public ILayer {
 public:
  using ILayer::ILayer;
  bool setEquation(char const* equation) noexcept { return set_text("equation", equation); }
  char const* getEquation() const noexcept { return get_text("equation"); }
};
class INormalizationLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_FLOAT(float, setEpsilon, getEpsilon, "epsilon")
  MEDLAR_COMPAT_INT(uint32_t, setAxes, getAxes, "axes")
  MEDLAR_COMPAT_INT(int64_t, setNbGroups, getNbGroups, "num_groups")
  MEDLAR_COMPAT_INT(DataType, setComputePrecision, getComputePrecision, "compute_precision")
};
class IGridSampleLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(InterpolationMode, setInterpolationMode, getInterpolationMode, "interpolation_mode")
  MEDLAR_COMPAT_INT(bool, setAlignCorners, getAlignCorners, "align_corners")
  bool setSampleMode(SampleMode mode) noexcept {
    set_int("sample_mode", static_cast<int64_t>(mode));
    return true;
  }
  SampleMode getSampleMode() const noexcept { return static_cast<SampleMode>(get_int("sample_mode")); }
};
class ISqueezeLayer : public ILayer {
 public:
  using ILayer::ILayer;
};
class IUnsqueezeLayer : public ILayer {
 public:
  using ILayer::ILayer;
};
class ICumulativeLayer : public ILayer {
 public:
  using ILayer::ILayer;
  bool setOperation(CumulativeOperation op) noexcept {
    set_int("op", static_cast<int64_t>(op));
    return true;
  }
  CumulativeOperation getOperation() const noexcept {
    return static_cast<CumulativeOperation>(get_int("op"));
  }
  MEDLAR_COMPAT_INT(bool, setExclusive, getExclusive, "exclusive")
  MEDLAR_COMPAT_INT(bool, setReverse, getReverse, "reverse")
};
class INonZeroLayer : public ILayer {
 public:
  using ILayer::ILayer;
};
class INMSLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(BoundingBoxFormat, setBoundingBoxFormat, getBoundingBoxFormat, "bounding_box_format")
  MEDLAR_COMPAT_INT(int32_t, setTopKBoxLimit, getTopKBoxLimit, "topk_box_limit")
};
class IReverseSequenceLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_INT(int32_t, setBatchAxis, getBatchAxis, "batch_axis")
  MEDLAR_COMPAT_INT(int32_t, setSequenceAxis, getSequenceAxis, "sequence_axis")
};
class IFillLayer : public ILayer {
 public:
  using ILayer::ILayer;
  MEDLAR_COMPAT_DIMS(setDimensions, getDimensions, "shape")
  MEDLAR_COMPAT_INT(FillOperation, setOperation, getOperation, "op")
  MEDLAR_COMPAT_FLOAT(double, setAlpha, getAlpha, "alpha")
  MEDLAR_COMPAT_FLOAT(double, setBeta, getBeta, "beta")
  MEDLAR_COMPAT_INT(DataType, setToType, getToType, "to_type")
};
class IAssertionLayer : public ILayer {
 public:
  using ILayer::ILayer;
  void setMessage(char const* message) noexcept { set_text("message", message); }
  char const* getMessage() const noexcept { return get_text("message"); }
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

}  // namespace nvinfer1
