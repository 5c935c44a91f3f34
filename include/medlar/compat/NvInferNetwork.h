// SPDX-License-Identifier: Apache-2.0
// TensorRT's INetworkDefinition.
#pragma once

#include "medlar/compat/NvInferLayers.h"

#include <algorithm>
#include <map>
#include <vector>

namespace nvinfer1 {

class IBuilder;

/// Owns its tensors and layers.
class INetworkDefinition {
 public:
  INetworkDefinition(std::unique_ptr<medlar::NetworkDefinition> network, compat::SharedLogger logger,
                     uint32_t flags = 0)
      : network_(std::move(network)),
        shared_(std::make_shared<compat::NetworkShared>(compat::NetworkShared{std::move(logger)})),
        flags_(flags) {}
  virtual ~INetworkDefinition() noexcept = default;

  ITensor* addInput(char const* name, DataType type, Dims const& dims) noexcept {
    return compat::attempt<ITensor*>(*shared_->logger, nullptr, [&] {
      return tensor(&network_->addInput(&compat::deref(name, "an input's name"),
                                        static_cast<medlar::DataType>(type), compat::dims(dims)));
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
    return compat::attempt<ILayer*>(*shared_->logger, nullptr,
                                    [&] { return self().layer<ILayer>(network_->layer(index)); });
  }
  ITensor* getInput(int32_t index) const noexcept {
    return compat::attempt<ITensor*>(*shared_->logger, nullptr,
                                     [&] { return self().tensor(&network_->input(index)); });
  }
  ITensor* getOutput(int32_t index) const noexcept {
    return compat::attempt<ITensor*>(*shared_->logger, nullptr,
                                     [&] { return self().tensor(&network_->output(index)); });
  }
  void setName(char const* name) noexcept { network_->setName(name == nullptr ? "" : name); }
  char const* getName() const noexcept { return network_->name().c_str(); }
  bool hasImplicitBatchDimension() const noexcept { return false; }
  bool hasExplicitPrecision() const noexcept { return false; }
  uint32_t getFlags() const noexcept { return flags_; }
  template <typename Flag>
  bool getFlag(Flag flag) const noexcept {
    return (flags_ >> static_cast<int32_t>(flag) & 1U) != 0;
  }
  IBuilder& getBuilder() const noexcept { return *builder_; }
  void setBuilder(IBuilder* builder) noexcept { builder_ = builder; }
  void setErrorRecorder(IErrorRecorder* recorder) noexcept { shared_->logger->record(recorder); }
  IErrorRecorder* getErrorRecorder() const noexcept { return shared_->logger->recorder(); }
  bool isDebugTensor(ITensor const&) const noexcept { return false; }

  IConvolutionLayer* addConvolutionNd(ITensor& x, int64_t maps, Dims const& kernel, Weights weights,
                                      Weights bias) noexcept {
    return add<IConvolutionLayer>([&]() -> auto& {
      return network_->addConvolutionNd(x.medlarTensor(), maps, compat::dims(kernel),
                                        compat::weights(weights), compat::weights(bias));
    });
  }
  IDeconvolutionLayer* addDeconvolutionNd(ITensor& x, int64_t maps, Dims const& kernel, Weights weights,
                                          Weights bias) noexcept {
    return add<IDeconvolutionLayer>([&]() -> auto& {
      return network_->addDeconvolutionNd(x.medlarTensor(), maps, compat::dims(kernel),
                                          compat::weights(weights), compat::weights(bias));
    });
  }
  IFullyConnectedLayer* addFullyConnected(ITensor& x, int32_t outputs, Weights kernel,
                                          Weights bias) noexcept {
    return add<IFullyConnectedLayer>([&]() -> auto& {
      return network_->addFullyConnected(x.medlarTensor(), outputs, compat::weights(kernel),
                                         compat::weights(bias));
    });
  }
  IPoolingLayer* addPoolingNd(ITensor& x, PoolingType type, Dims const& window) noexcept {
    return add<IPoolingLayer>([&]() -> auto& {
      return network_->addPoolingNd(x.medlarTensor(), static_cast<medlar::PoolingType>(type),
                                    compat::dims(window));
    });
  }
  IActivationLayer* addActivation(ITensor& x, ActivationType type) noexcept {
    return add<IActivationLayer>([&]() -> auto& {
      return network_->addActivation(x.medlarTensor(), static_cast<medlar::ActivationType>(type));
    });
  }
  IElementWiseLayer* addElementWise(ITensor& a, ITensor& b, ElementWiseOperation op) noexcept {
    return add<IElementWiseLayer>([&]() -> auto& {
      return network_->addElementWise(a.medlarTensor(), b.medlarTensor(),
                                      static_cast<medlar::ElementWiseOperation>(op));
    });
  }
  IScaleLayer* addScaleNd(ITensor& x, ScaleMode mode, Weights shift, Weights scale, Weights power,
                          int32_t axis) noexcept {
    return add<IScaleLayer>([&]() -> auto& {
      return network_->addScale(x.medlarTensor(), static_cast<medlar::ScaleMode>(mode),
                                compat::weights(shift), compat::weights(scale), compat::weights(power), axis);
    });
  }
  IScaleLayer* addScale(ITensor& x, ScaleMode mode, Weights shift, Weights scale, Weights power) noexcept {
    return addScaleNd(x, mode, shift, scale, power, 1);
  }
  ISoftMaxLayer* addSoftMax(ITensor& x) noexcept {
    return add<ISoftMaxLayer>([&]() -> auto& {
      auto const rank = x.medlarTensor().dims().size();
      return network_->addSoftMax(x.medlarTensor(), 1U << (rank > 3 ? rank - 3 : 0));
    });
  }
  IConcatenationLayer* addConcatenation(ITensor* const* inputs, int32_t count) noexcept {
    return add<IConcatenationLayer>([&]() -> auto& {
      auto const list = tensors(inputs, count);
      auto const rank = list.empty() ? 0 : static_cast<int>(list[0]->dims().size());
      return network_->addConcatenation(list, std::max(0, rank - 3));
    });
  }
  IMatrixMultiplyLayer* addMatrixMultiply(ITensor& a, MatrixOperation opA, ITensor& b,
                                          MatrixOperation opB) noexcept {
    return add<IMatrixMultiplyLayer>([&]() -> auto& {
      return network_->addMatrixMultiply(a.medlarTensor(), static_cast<medlar::MatrixOperation>(opA),
                                         b.medlarTensor(), static_cast<medlar::MatrixOperation>(opB));
    });
  }
  IShuffleLayer* addShuffle(ITensor& x) noexcept {
    return add<IShuffleLayer>([&]() -> auto& { return network_->addShuffle(x.medlarTensor()); });
  }
  IConstantLayer* addConstant(Dims const& dims, Weights weights) noexcept {
    return add<IConstantLayer>(
        [&]() -> auto& { return network_->addConstant(compat::dims(dims), compat::weights(weights)); });
  }
  IUnaryLayer* addUnary(ITensor& x, UnaryOperation op) noexcept {
    return add<IUnaryLayer>([&]() -> auto& {
      return network_->addUnary(x.medlarTensor(), static_cast<medlar::UnaryOperation>(op));
    });
  }
  IReduceLayer* addReduce(ITensor& x, ReduceOperation op, uint32_t axes, bool keep) noexcept {
    return add<IReduceLayer>([&]() -> auto& {
      return network_->addReduce(x.medlarTensor(), static_cast<medlar::ReduceOperation>(op), axes, keep);
    });
  }
  ISliceLayer* addSlice(ITensor& x, Dims const& start, Dims const& size, Dims const& stride) noexcept {
    return add<ISliceLayer>([&]() -> auto& {
      return network_->addSlice(x.medlarTensor(), compat::dims(start), compat::dims(size),
                                compat::dims(stride));
    });
  }
  IResizeLayer* addResize(ITensor& x) noexcept {
    return add<IResizeLayer>([&]() -> auto& { return network_->addResize(x.medlarTensor()); });
  }
  ILRNLayer* addLRN(ITensor& x, int64_t window, float alpha, float beta, float k) noexcept {
    return add<ILRNLayer>(
        [&]() -> auto& { return network_->addLRN(x.medlarTensor(), window, alpha, beta, k); });
  }
  ITopKLayer* addTopK(ITensor& x, TopKOperation op, int32_t k, uint32_t axes) noexcept {
    return add<ITopKLayer>([&]() -> auto& {
      return network_->addTopK(x.medlarTensor(), static_cast<medlar::TopKOperation>(op), k, axes);
    });
  }
  IGatherLayer* addGather(ITensor& data, ITensor& indices, int32_t axis) noexcept {
    return add<IGatherLayer>(
        [&]() -> auto& { return network_->addGather(data.medlarTensor(), indices.medlarTensor(), axis); });
  }
  IPaddingLayer* addPaddingNd(ITensor& x, Dims const& pre, Dims const& post) noexcept {
    return add<IPaddingLayer>([&]() -> auto& {
      return network_->addPaddingNd(x.medlarTensor(), compat::dims(pre), compat::dims(post));
    });
  }
  IParametricReLULayer* addParametricReLU(ITensor& x, ITensor& slope) noexcept {
    return add<IParametricReLULayer>(
        [&]() -> auto& { return network_->addParametricReLU(x.medlarTensor(), slope.medlarTensor()); });
  }
  IIdentityLayer* addIdentity(ITensor& x) noexcept {
    return add<IIdentityLayer>([&]() -> auto& { return network_->addIdentity(x.medlarTensor()); });
  }
  ICastLayer* addCast(ITensor& x, DataType type) noexcept {
    return add<ICastLayer>(
        [&]() -> auto& { return network_->addCast(x.medlarTensor(), static_cast<medlar::DataType>(type)); });
  }
  ISelectLayer* addSelect(ITensor& condition, ITensor& then, ITensor& otherwise) noexcept {
    return add<ISelectLayer>([&]() -> auto& {
      return network_->addSelect(condition.medlarTensor(), then.medlarTensor(), otherwise.medlarTensor());
    });
  }
  IShapeLayer* addShape(ITensor& x) noexcept {
    auto const type = NV_TENSORRT_MAJOR >= 10 ? medlar::DataType::kInt64 : medlar::DataType::kInt32;
    return add<IShapeLayer>([&]() -> auto& { return network_->addShape(x.medlarTensor(), type); });
  }
  IQuantizeLayer* addQuantize(ITensor& x, ITensor& scale) noexcept {
    return add<IQuantizeLayer>(
        [&]() -> auto& { return network_->addQuantize(x.medlarTensor(), scale.medlarTensor()); });
  }
  IDequantizeLayer* addDequantize(ITensor& x, ITensor& scale) noexcept {
    return add<IDequantizeLayer>(
        [&]() -> auto& { return network_->addDequantize(x.medlarTensor(), scale.medlarTensor()); });
  }
  IGatherLayer* addGatherV2(ITensor& data, ITensor& indices, GatherMode mode) noexcept {
    return add<IGatherLayer>([&]() -> auto& {
      return network_->addGatherV2(data.medlarTensor(), indices.medlarTensor(),
                                   static_cast<medlar::GatherMode>(mode));
    });
  }
  INormalizationLayer* addNormalization(ITensor& x, ITensor& scale, ITensor& bias, uint32_t axes) noexcept {
    return add<INormalizationLayer>([&]() -> auto& {
      return network_->addNormalization(x.medlarTensor(), scale.medlarTensor(), bias.medlarTensor(), axes);
    });
  }
  IEinsumLayer* addEinsum(ITensor* const* inputs, int32_t count, char const* equation) noexcept {
    return add<IEinsumLayer>([&]() -> auto& {
      return network_->addEinsum(tensors(inputs, count), &compat::deref(equation, "an equation"));
    });
  }
  IOneHotLayer* addOneHot(ITensor& indices, ITensor& values, ITensor& depth, int32_t axis) noexcept {
    return add<IOneHotLayer>([&]() -> auto& {
      return network_->addOneHot(indices.medlarTensor(), values.medlarTensor(), depth.medlarTensor(), axis);
    });
  }
  IScatterLayer* addScatter(ITensor& data, ITensor& indices, ITensor& updates, ScatterMode mode) noexcept {
    return add<IScatterLayer>([&]() -> auto& {
      return network_->addScatter(data.medlarTensor(), indices.medlarTensor(), updates.medlarTensor(),
                                  static_cast<medlar::ScatterMode>(mode));
    });
  }
  IGridSampleLayer* addGridSample(ITensor& x, ITensor& grid) noexcept {
    return add<IGridSampleLayer>(
        [&]() -> auto& { return network_->addGridSample(x.medlarTensor(), grid.medlarTensor()); });
  }
  ISqueezeLayer* addSqueeze(ITensor& x, ITensor& axes) noexcept {
    return add<ISqueezeLayer>(
        [&]() -> auto& { return network_->addSqueeze(x.medlarTensor(), axes.medlarTensor()); });
  }
  IUnsqueezeLayer* addUnsqueeze(ITensor& x, ITensor& axes) noexcept {
    return add<IUnsqueezeLayer>(
        [&]() -> auto& { return network_->addUnsqueeze(x.medlarTensor(), axes.medlarTensor()); });
  }
  ICumulativeLayer* addCumulative(ITensor& x, ITensor& axis, CumulativeOperation op, bool exclusive,
                                  bool reverse) noexcept {
    return add<ICumulativeLayer>([&]() -> auto& {
      return network_->addCumulative(x.medlarTensor(), axis.medlarTensor(),
                                     static_cast<medlar::CumulativeOperation>(op), exclusive, reverse);
    });
  }
  INonZeroLayer* addNonZero(ITensor& x) noexcept {
    return add<INonZeroLayer>([&]() -> auto& { return network_->addNonZero(x.medlarTensor()); });
  }
  INMSLayer* addNMS(ITensor& boxes, ITensor& scores, ITensor& most) noexcept {
    return add<INMSLayer>([&]() -> auto& {
      return network_->addNMS(boxes.medlarTensor(), scores.medlarTensor(), most.medlarTensor());
    });
  }
  IReverseSequenceLayer* addReverseSequence(ITensor& x, ITensor& lengths) noexcept {
    return add<IReverseSequenceLayer>(
        [&]() -> auto& { return network_->addReverseSequence(x.medlarTensor(), lengths.medlarTensor()); });
  }
  IFillLayer* addFill(Dims const& dims, FillOperation op, DataType type = DataType::kFLOAT) noexcept {
    return add<IFillLayer>([&]() -> auto& {
      return network_->addFill(compat::dims(dims), static_cast<medlar::FillOperation>(op),
                               static_cast<medlar::DataType>(type));
    });
  }
  IAssertionLayer* addAssertion(ITensor& condition, char const* message) noexcept {
    return add<IAssertionLayer>([&]() -> auto& {
      return network_->addAssertion(condition.medlarTensor(), &compat::deref(message, "a message"));
    });
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
  static std::vector<medlar::Tensor*> tensors(ITensor* const* inputs, int32_t count) {
    compat::deref(inputs, "inputs");
    std::vector<medlar::Tensor*> list;
    for (int32_t i = 0; i < count; ++i) {
      list.push_back(&compat::deref(inputs[i], "an input").medlarTensor());
    }
    return list;
  }
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
        case medlar::LayerType::kConvolution:
          return std::make_unique<IConvolutionLayer>(of, *this, shared_);
        case medlar::LayerType::kDeconvolution:
          return std::make_unique<IDeconvolutionLayer>(of, *this, shared_);
        case medlar::LayerType::kPooling:
          return std::make_unique<IPoolingLayer>(of, *this, shared_);
        case medlar::LayerType::kActivation:
          return std::make_unique<IActivationLayer>(of, *this, shared_);
        case medlar::LayerType::kElementwise:
          return std::make_unique<IElementWiseLayer>(of, *this, shared_);
        case medlar::LayerType::kUnary:
          return std::make_unique<IUnaryLayer>(of, *this, shared_);
        case medlar::LayerType::kScale:
          return std::make_unique<IScaleLayer>(of, *this, shared_);
        case medlar::LayerType::kSoftmax:
          return std::make_unique<ISoftMaxLayer>(of, *this, shared_);
        case medlar::LayerType::kConcatenation:
          return std::make_unique<IConcatenationLayer>(of, *this, shared_);
        case medlar::LayerType::kShuffle:
          return std::make_unique<IShuffleLayer>(of, *this, shared_);
        case medlar::LayerType::kReduce:
          return std::make_unique<IReduceLayer>(of, *this, shared_);
        case medlar::LayerType::kGather:
          return std::make_unique<IGatherLayer>(of, *this, shared_);
        default:
          return std::make_unique<ILayer>(of, *this, shared_);
      }
    }
  }
  template <typename Kind, typename Action>
  Kind* add(Action const& action) noexcept {
    return compat::attempt<Kind*>(*shared_->logger, nullptr, [&] { return layer<Kind>(action()); });
  }

  std::unique_ptr<medlar::NetworkDefinition> network_;
  compat::Shared shared_;
  uint32_t flags_ = 0;
  IBuilder* builder_ = nullptr;
  std::map<medlar::Tensor*, std::unique_ptr<ITensor>> tensors_;
  std::map<medlar::Layer*, std::unique_ptr<ILayer>> layers_;
};

ITensor* ILayer::getInput(int32_t index) const noexcept {
  return compat::attempt<ITensor*>(*shared_->logger, nullptr,
                                   [&] { return network_->tensor(layer_->input(index)); });
}
ITensor* ILayer::getOutput(int32_t index) const noexcept {
  return compat::attempt<ITensor*>(*shared_->logger, nullptr,
                                   [&] { return network_->tensor(layer_->output(index)); });
}

}  // namespace nvinfer1
