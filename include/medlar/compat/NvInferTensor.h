// SPDX-License-Identifier: Apache-2.0
// TensorRT's ITensor and ILayer: views of medlar::Tensor and medlar::Layer.
#pragma once

#include "medlar/compat/NvInferNetworkTypes.h"
#include "medlar/compat/NvInferRuntimeBase.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace nvinfer1 {

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
    return compat::attempt(*shared_->logger, DataType::kFLOAT,
                           [&] { return static_cast<DataType>(tensor_->type()); });
  }
  bool setDynamicRange(float min, float max) noexcept {
    return shared_->set([&] { tensor_->setDynamicRange(min, max); });
  }
  bool dynamicRangeIsSet() const noexcept { return tensor_->dynamicRange().has_value(); }
  void resetDynamicRange() noexcept { tensor_->resetDynamicRange(); }
  float getDynamicRangeMin() const noexcept {
    return tensor_->dynamicRange() ? tensor_->dynamicRange()->first : 0.0f;
  }
  float getDynamicRangeMax() const noexcept {
    return tensor_->dynamicRange() ? tensor_->dynamicRange()->second : 0.0f;
  }
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
  void setBroadcastAcrossBatch(bool) noexcept {
    compat::no_effect(*shared_->logger, "ITensor::setBroadcastAcrossBatch", "batches are explicit");
  }
  bool getBroadcastAcrossBatch() const noexcept { return false; }
  void setDimensionName(int32_t index, char const* name) noexcept {
    shared_->set([&] { dimension_names_[index] = &compat::deref(name, "a dimension's name"); });
  }
  char const* getDimensionName(int32_t index) const noexcept {
    auto const at = dimension_names_.find(index);
    return at == dimension_names_.end() ? nullptr : at->second.c_str();
  }
  medlar::Tensor& medlarTensor() const noexcept { return *tensor_; }

 private:
  medlar::Tensor* tensor_;
  compat::Shared shared_;
  std::map<int32_t, std::string> dimension_names_;
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
  /// The values live as long as the layer, or until the same weights are asked for again.
  Weights get_weights(char const* name) const noexcept {
    return compat::attempt(*shared_->logger, Weights(), [&] {
      medlar::OwnedWeights& kept = weights_[name] = layer_->getWeights(name);
      return Weights{static_cast<DataType>(kept.type), kept.bytes.empty() ? nullptr : kept.bytes.data(),
                     static_cast<int64_t>(medlar::volume(kept.dims))};
    });
  }
  bool set_text(char const* name, char const* value) noexcept {
    return shared_->set([&] { layer_->setString(name, &compat::deref(value, name)); });
  }
  char const* get_text(char const* name) const noexcept {
    return compat::attempt<char const*>(*shared_->logger, "",
                                        [&] { return layer_->getString(name).c_str(); });
  }
  Permutation get_permutation(char const* name) const noexcept {
    Permutation order{};
    Dims const axes = get_dims(name);
    for (int32_t i = 0; i < Dims::MAX_DIMS; ++i) {
      order.order[i] = i < axes.nbDims ? static_cast<int32_t>(axes.d[i]) : i;
    }
    return order;
  }
  void set_permutation(char const* name, Permutation const& order) noexcept {
    shared_->set([&] {
      auto const rank = layer_->input(0)->dims().size();
      layer_->setDims(name,
                      medlar::Dims(order.order, order.order + std::min<std::size_t>(rank, Dims::MAX_DIMS)));
    });
  }

  medlar::Layer* layer_;
  INetworkDefinition* network_;
  compat::Shared shared_;

 private:
  mutable std::map<std::string, medlar::OwnedWeights> weights_;  ///< What get_weights() has handed out.
};

}  // namespace nvinfer1
