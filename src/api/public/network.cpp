// SPDX-License-Identifier: Apache-2.0
#include "medlar/network.hpp"

#include "api/public/errors.hpp"
#include "api/public/network_state.hpp"
#include "api/public/types.hpp"
#include "graph/shape_inference.hpp"

#include <algorithm>

#include <fmt/ranges.h>

namespace medlar {
namespace {

constexpr uint32_t kLinear = 1;  // TensorFormat::kLINEAR's bit

}  // namespace

// --- Tensor

Tensor::Tensor(std::unique_ptr<TensorState> state) : state_(std::move(state)) {}
Tensor::~Tensor() = default;

const std::string& Tensor::name() const noexcept {
  return state_->name;
}

void Tensor::setName(std::string_view name) {
  Tensor* other = state_->network->find_tensor(name);
  if (other == this) {
    return;
  }
  if (name.empty() || other != nullptr) {
    door::raise(name.empty() ? ErrorCode::kInvalidArgument : ErrorCode::kAlreadyExists,
                "tensor '{}' cannot be named '{}'{}", state_->name, name,
                name.empty() ? "" : ": another tensor has that name");
  }
  state_->name = name;
  state_->network->touch();
}

Dims Tensor::dims() const {
  if (!state_->is_input) {
    state_->network->infer();
  }
  if (!state_->shape) {
    door::raise(ErrorCode::kInvalidArgument, "tensor '{}': not even its rank is known", state_->name);
  }
  return *state_->shape;
}

void Tensor::setDims(const Dims& dims) {
  if (!state_->is_input) {
    door::raise(ErrorCode::kInvalidArgument,
                "tensor '{}' is no network input: its shape follows from its layer", state_->name);
  }
  state_->shape = dims;
  state_->network->touch();
}

DataType Tensor::type() const {
  if (!state_->is_input) {
    state_->network->infer();
  }
  return door::public_type(state_->type);
}

void Tensor::setType(DataType type) {
  if (state_->is_input) {
    state_->type = door::graph_type(type);
    state_->network->touch();
    return;
  }
  if (this->type() != type) {
    door::raise(ErrorCode::kUnsupported, "tensor '{}' is {} and cannot be delivered as {}: add a cast",
                state_->name, dataTypeName(this->type()), dataTypeName(type));
  }
}

bool Tensor::isInput() const noexcept {
  return state_->is_input;
}

bool Tensor::isOutput() const noexcept {
  return state_->is_output;
}

bool Tensor::isShapeTensor() const {
  const DataType element = type();
  return (element == DataType::kInt32 || element == DataType::kInt64) && dims().size() <= 1;
}

void Tensor::setDynamicRange(float low, float high) {
  if (!(low <= high)) {
    door::raise(ErrorCode::kInvalidArgument, "tensor '{}': a dynamic range from {} to {}", state_->name, low,
                high);
  }
  state_->range = {low, high};
}

std::optional<std::pair<float, float>> Tensor::dynamicRange() const noexcept {
  return state_->range;
}

void Tensor::resetDynamicRange() noexcept {
  state_->range.reset();
}

uint32_t Tensor::allowedFormats() const noexcept {
  return kLinear;
}

void Tensor::setAllowedFormats(uint32_t formats) {
  if ((formats & kLinear) == 0) {
    door::raise(ErrorCode::kUnsupported,
                "tensor '{}': formats {:#x} do not allow kLINEAR, which is what engines take and give",
                state_->name, formats);
  }
}

// --- Layer

Layer::Layer(std::unique_ptr<LayerState> state) : state_(std::move(state)) {}
Layer::~Layer() = default;

LayerType Layer::type() const noexcept {
  return state_->type;
}

const std::string& Layer::onnxOperator() const noexcept {
  static const std::string none;
  return state_->original ? state_->original->op_type : none;
}

const std::string& Layer::name() const noexcept {
  return state_->name;
}

void Layer::setName(std::string_view name) {
  if (name == state_->name) {
    return;
  }
  state_->name = name;
  state_->network->touch();
}

const std::string& Layer::metadata() const noexcept {
  return state_->metadata;
}

void Layer::setMetadata(std::string_view metadata) {
  state_->metadata = metadata;
}

int Layer::numInputs() const noexcept {
  return static_cast<int>(state_->inputs().size());
}

Tensor* Layer::input(int index) const {
  const std::vector<Tensor*> inputs = state_->inputs();
  return index < 0 || static_cast<size_t>(index) >= inputs.size() ? nullptr
                                                                  : inputs[static_cast<size_t>(index)];
}

void Layer::setInput(int index, Tensor& tensor) {
  state_->network->check_owner(tensor, "input of layer '" + state_->name + "'");
  if (!state_->original) {
    const size_t most = std::max(state_->operands.size(), door::max_inputs(state_->type));
    if (index < 0 || static_cast<size_t>(index) >= most) {
      door::raise(ErrorCode::kOutOfRange, "layer '{}' can have {} inputs, not one with index {}",
                  state_->name, most, index);
    }
    state_->operands.resize(std::max(state_->operands.size(), static_cast<size_t>(index) + 1));
    state_->operands[static_cast<size_t>(index)].tensor = &tensor;
    state_->network->touch();
    return;
  }
  int at = 0;
  for (Operand& operand : state_->operands) {
    if (operand.tensor != nullptr && at++ == index) {
      operand.tensor = &tensor;
      state_->network->touch();
      return;
    }
  }
  if (index == at) {  // a further input, e.g. the reshape dimensions of a shuffle
    door::raise(ErrorCode::kUnsupported,
                "layer '{}' was read from an ONNX {} node: input {} is not one that it can be given later",
                state_->name, state_->original->op_type, index);
  }
  door::raise(ErrorCode::kOutOfRange, "layer '{}' has {} inputs, not one with index {}", state_->name, at,
              index);
}

int Layer::numOutputs() const noexcept {
  return static_cast<int>(state_->outputs.size());
}

Tensor* Layer::output(int index) const {
  return index < 0 || static_cast<size_t>(index) >= state_->outputs.size()
             ? nullptr
             : state_->outputs[static_cast<size_t>(index)];
}

void Layer::setPrecision(DataType precision) {
  door::graph_type(precision);
  state_->precision = precision;
}

void Layer::resetPrecision() noexcept {
  state_->precision.reset();
}

std::optional<DataType> Layer::precision() const noexcept {
  return state_->precision;
}

void Layer::setOutputType(int index, DataType type) {
  if (output(index) == nullptr) {
    door::raise(ErrorCode::kOutOfRange, "layer '{}' has {} outputs, not one with index {}", state_->name,
                numOutputs(), index);
  }
  state_->output_types[index] = type;
}

void Layer::resetOutputType(int index) {
  state_->output_types.erase(index);
}

std::optional<DataType> Layer::outputType(int index) const {
  const auto at = state_->output_types.find(index);
  return at == state_->output_types.end() ? std::nullopt : std::optional(at->second);
}

// --- States

std::vector<Tensor*> LayerState::inputs() const {
  std::vector<Tensor*> found;
  for (const Operand& operand : operands) {
    if (operand.tensor != nullptr || !original) {  // inputs of an added layer keep their numbers
      found.push_back(operand.tensor);
    }
  }
  return found;
}

Tensor* NetworkState::find_tensor(std::string_view tensor_name) const {
  const auto at =
      std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t->name() == tensor_name; });
  return at == tensors.end() ? nullptr : at->get();
}

std::string NetworkState::unique_tensor_name(const std::string& wanted) const {
  std::string candidate = wanted;
  for (int i = 1; find_tensor(candidate) != nullptr; ++i) {
    candidate = fmt::format("{}_{}", wanted, i);
  }
  return candidate;
}

Tensor& NetworkState::new_tensor(std::string tensor_name) {
  auto state = std::make_unique<TensorState>();
  state->network = this;
  state->name = std::move(tensor_name);
  tensors.push_back(std::make_unique<Tensor>(std::move(state)));
  return *tensors.back();
}

Layer& NetworkState::new_layer(LayerType type, std::string_view kind, const std::vector<Tensor*>& from,
                               int results) {
  auto state = std::make_unique<LayerState>();
  state->network = this;
  state->type = type;
  state->name = fmt::format("(Unnamed Layer* {}) [{}]", layers.size(), kind);
  for (Tensor* tensor : from) {
    if (tensor == nullptr) {
      door::raise(ErrorCode::kInvalidArgument, "layer {} [{}]: a null input", layers.size(), kind);
    }
    check_owner(*tensor, fmt::format("input of layer {} [{}]", layers.size(), kind));
    state->operands.push_back({.tensor = tensor, .constant = nullptr, .constant_name = {}});
  }
  layers.push_back(std::make_unique<Layer>(std::move(state)));
  Layer& layer = *layers.back();
  for (int i = 0; i < results; ++i) {
    Tensor& out = new_tensor(unique_tensor_name(fmt::format("{}_output", layer.name())));
    out.state().producer = &layer;
    layer.state().outputs.push_back(&out);
  }
  touch();
  return layer;
}

void NetworkState::check_owner(const Tensor& tensor, std::string_view what) const {
  if (tensor.state().network != this) {
    door::raise(ErrorCode::kInvalidArgument, "{}: tensor '{}' belongs to another network", what,
                tensor.name());
  }
}

void NetworkState::infer() const {
  if (inferred) {
    return;
  }
  door::Lowered lowered = door::lower(*this);
  door::take(graph::infer_shapes(lowered.graph));
  std::map<std::string_view, const graph::Value*> values;
  for (const graph::Value& value : lowered.graph.values) {
    values.emplace(value.name, &value);
  }
  for (const auto& tensor : tensors) {
    const auto at = values.find(tensor->name());
    if (at != values.end() && !tensor->isInput()) {
      tensor->state().type = at->second->type;
      tensor->state().shape = at->second->shape;
    }
  }
  inferred = true;
}

// --- NetworkDefinition

NetworkDefinition::NetworkDefinition(std::unique_ptr<NetworkState> state) : state_(std::move(state)) {}
NetworkDefinition::~NetworkDefinition() = default;

const std::string& NetworkDefinition::name() const noexcept {
  return state_->name;
}

void NetworkDefinition::setName(std::string_view name) {
  state_->name = name;
}

Tensor& NetworkDefinition::addInput(std::string_view name, DataType type, const Dims& dims) {
  if (name.empty() || state_->find_tensor(name) != nullptr) {
    door::raise(name.empty() ? ErrorCode::kInvalidArgument : ErrorCode::kAlreadyExists, "input '{}': {}",
                name, name.empty() ? "it needs a name" : "a tensor of that name exists");
  }
  const graph::DataType element = door::graph_type(type);
  for (const int64_t dim : dims) {
    if (dim < -1 || dim == 0) {
      door::raise(ErrorCode::kInvalidArgument, "input '{}': dimension {} in [{}]", name, dim,
                  fmt::join(dims, ","));
    }
  }
  Tensor& tensor = state_->new_tensor(std::string(name));
  tensor.state().type = element;
  tensor.state().shape = dims;
  tensor.state().is_input = true;
  state_->inputs.push_back(&tensor);
  state_->touch();
  return tensor;
}

void NetworkDefinition::markOutput(Tensor& tensor) {
  state_->check_owner(tensor, "output");
  if (!tensor.isOutput()) {
    tensor.state().is_output = true;
    state_->outputs.push_back(&tensor);
    state_->touch();
  }
}

void NetworkDefinition::unmarkOutput(Tensor& tensor) {
  state_->check_owner(tensor, "output");
  tensor.state().is_output = false;
  std::erase(state_->outputs, &tensor);
  state_->touch();
}

int NetworkDefinition::numInputs() const noexcept {
  return static_cast<int>(state_->inputs.size());
}

int NetworkDefinition::numOutputs() const noexcept {
  return static_cast<int>(state_->outputs.size());
}

int NetworkDefinition::numLayers() const noexcept {
  return static_cast<int>(state_->layers.size());
}

namespace {

template <typename List>
auto& element(const List& list, int index, const char* what) {
  if (index < 0 || static_cast<size_t>(index) >= list.size()) {
    door::raise(ErrorCode::kOutOfRange, "the network has {} {}, not one with index {}", list.size(), what,
                index);
  }
  return *list[static_cast<size_t>(index)];
}

}  // namespace

Tensor& NetworkDefinition::input(int index) const {
  return element(state_->inputs, index, "inputs");
}

Tensor& NetworkDefinition::output(int index) const {
  return element(state_->outputs, index, "outputs");
}

Layer& NetworkDefinition::layer(int index) const {
  return element(state_->layers, index, "layers");
}

}  // namespace medlar
