// SPDX-License-Identifier: Apache-2.0
// A network as an ONNX graph.
#include "api/public/emitter.hpp"
#include "api/public/errors.hpp"
#include "graph/shape_inference.hpp"

#include <algorithm>
#include <set>

#include <fmt/ranges.h>

namespace medlar::door {

void Emitter::begin(const LayerState& layer) {
  layer_ = &layer;
  const auto at = graph_.opsets.find("");
  opset_ = at == graph_.opsets.end() ? 17 : at->second;
  nodes_.clear();
}

std::string Emitter::unique(const std::string& wanted) const {
  std::string candidate = wanted;
  const auto taken = [&] { return graph::find_value(graph_, candidate).has_value(); };
  for (int i = 1; taken(); ++i) {
    candidate = fmt::format("{}_{}", wanted, i);
  }
  return candidate;
}

graph::ValueId Emitter::operand(size_t index) {
  if (index >= layer_->operands.size()) {
    return graph::kNoValue;
  }
  const Operand& operand = layer_->operands[index];
  if (operand.tensor != nullptr) {
    return tensors_.at(operand.tensor);
  }
  if (!operand.constant) {
    return graph::kNoValue;
  }
  const auto known = graph::find_value(graph_, operand.constant_name);
  if (known && graph_.value(*known).data == operand.constant) {
    return *known;
  }
  return graph::add_value(graph_, {.name = unique(operand.constant_name),
                                   .type = operand.constant->type,
                                   .shape = operand.constant->shape,
                                   .data = operand.constant});
}

graph::ValueId Emitter::output(size_t index) const {
  const Tensor* tensor = index < layer_->outputs.size() ? layer_->outputs[index] : nullptr;
  return tensor == nullptr ? graph::kNoValue : tensors_.at(tensor);
}

graph::ValueId Emitter::constant(Constant data, std::string_view what) {
  const graph::DataType type = data->type;
  const graph::Shape shape = data->shape;
  return graph::add_value(graph_, {.name = unique(fmt::format("{}/{}", layer_->name, what)),
                                   .type = type,
                                   .shape = shape,
                                   .data = std::move(data)});
}

graph::ValueId Emitter::ints(const std::vector<int64_t>& values, std::string_view what) {
  return constant(std::make_shared<graph::Tensor>(graph::make_tensor(
                      graph::DataType::kInt64, {static_cast<int64_t>(values.size())}, values)),
                  what);
}

graph::ValueId Emitter::scalar(float value, std::string_view what) {
  return constant(std::make_shared<graph::Tensor>(
                      graph::make_tensor(graph::DataType::kFloat32, {}, std::vector<float>{value})),
                  what);
}

graph::ValueId Emitter::fresh(std::string_view what) {
  return graph::add_value(graph_, {.name = unique(fmt::format("{}/{}", layer_->name, what)),
                                   .type = graph::DataType::kUndefined,
                                   .shape = {},
                                   .data = {}});
}

Dims Emitter::input_dims(size_t index) {
  const graph::ValueId value = operand(index);
  if (value != graph::kNoValue && !graph_.value(value).shape) {
    take(graph::infer_shapes(graph_));
  }
  if (value == graph::kNoValue || !graph_.value(value).shape) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': the shape of its input {} is not known", layer_->name,
          index);
  }
  return *graph_.value(value).shape;
}

graph::DataType Emitter::input_type(size_t index) {
  const graph::ValueId value = operand(index);
  if (value != graph::kNoValue && graph_.value(value).type == graph::DataType::kUndefined) {
    take(graph::infer_shapes(graph_));
  }
  return value == graph::kNoValue ? graph::DataType::kUndefined : graph_.value(value).type;
}

Constant Emitter::constant_operand(size_t index) {
  const graph::ValueId value = operand(index);
  return value == graph::kNoValue ? nullptr : graph_.value(value).data;
}

graph::ValueId Emitter::int64_operand(size_t index, const graph::Shape* shape) {
  const Constant data = constant_operand(index);
  if (data) {
    const auto values = graph::to_ints(*data);
    if (!values ||
        (shape != nullptr && graph::element_count(*shape) != static_cast<int64_t>(values->size()))) {
      raise(ErrorCode::kInvalidArgument,
            "layer '{}': its input {} holds no integers of the count that it needs", layer_->name, index);
    }
    return constant(std::make_shared<graph::Tensor>(graph::make_tensor(
                        graph::DataType::kInt64, shape != nullptr ? *shape : data->shape, *values)),
                    fmt::format("input{}", index));
  }
  graph::ValueId value = operand(index);
  if (input_type(index) != graph::DataType::kInt64) {
    value = step("Cast", {value}, {{"to", static_cast<int64_t>(graph::DataType::kInt64)}});
  }
  if (shape != nullptr && graph_.value(operand(index)).shape != *shape) {
    value = step("Reshape", {value, ints(*shape, fmt::format("input{}_shape", index))});
  }
  return value;
}

void Emitter::node(std::string_view op, std::vector<graph::ValueId> inputs,
                   std::vector<graph::ValueId> outputs, std::map<std::string, graph::Attribute> attributes) {
  std::string name = nodes_.empty() ? layer_->name : fmt::format("{}/{}{}", layer_->name, op, nodes_.size());
  graph_.nodes.push_back({.name = name,
                          .op_type = std::string(op),
                          .domain = "",
                          .inputs = std::move(inputs),
                          .outputs = std::move(outputs),
                          .attributes = std::move(attributes),
                          .origins = {layer_->name}});
  nodes_.push_back(std::move(name));
}

graph::ValueId Emitter::step(std::string_view op, std::vector<graph::ValueId> inputs,
                             std::map<std::string, graph::Attribute> attributes) {
  const graph::ValueId result = fresh(fmt::format("{}{}_out", op, nodes_.size()));
  node(op, std::move(inputs), {result}, std::move(attributes));
  return result;
}

namespace {

template <typename T>
const T& parameter(const LayerState& layer, std::string_view name) {
  const auto at = layer.parameters.find(name);
  const T* value = at == layer.parameters.end() ? nullptr : std::get_if<T>(&at->second);
  if (value == nullptr) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': its parameter '{}' is not set", layer.name, name);
  }
  return *value;
}

}  // namespace

int64_t Emitter::int_of(std::string_view name) const {
  return parameter<int64_t>(*layer_, name);
}

double Emitter::float_of(std::string_view name) const {
  return parameter<double>(*layer_, name);
}

const Dims& Emitter::dims_of(std::string_view name) const {
  return parameter<Dims>(*layer_, name);
}

const Constant& Emitter::data_of(std::string_view name) const {
  return parameter<Constant>(*layer_, name);
}

const std::string& Emitter::text_of(std::string_view name) const {
  return parameter<std::string>(*layer_, name);
}

const Dims* Emitter::maybe_dims(std::string_view name) const {
  const auto at = layer_->parameters.find(name);
  return at == layer_->parameters.end() ? nullptr : std::get_if<Dims>(&at->second);
}

namespace {

std::map<const Tensor*, graph::ValueId> add_tensors(const NetworkState& network, graph::Graph& graph,
                                                    const std::map<std::string, graph::Shape>& shapes) {
  std::map<const Tensor*, graph::ValueId> ids;
  for (const auto& tensor : network.tensors) {
    const TensorState& state = tensor->state();
    const auto given = shapes.find(state.name);
    graph::Value value{
        .name = state.name, .type = state.declared_type, .shape = state.declared_shape, .data = {}};
    if (state.is_input) {
      value.type = state.type;
      value.shape = state.shape;
    }
    if (state.is_input && given != shapes.end()) {
      value.shape = given->second;
    }
    ids[tensor.get()] = graph::add_value(graph, std::move(value));
  }
  return ids;
}

/// A parsed layer as it was read, reading and writing today's tensors.
void emit_original(Emitter& out, graph::Graph& graph) {
  const LayerState& layer = out.layer();
  graph::Node node = *layer.original;
  node.name = layer.name;
  for (size_t i = 0; i < layer.operands.size(); ++i) {
    node.inputs[i] = out.operand(i);
  }
  for (size_t i = 0; i < layer.outputs.size(); ++i) {
    node.outputs[i] = out.output(i);
  }
  if (node.origins.empty()) {
    node.origins = {node.name};
  }
  graph.nodes.push_back(std::move(node));
}

/// Weights and dimensions can be set one after the other.
Constant shaped_constant(const Emitter& out) {
  const Constant& data = out.data_of("weights");
  const Dims& shape = out.dims_of("shape");
  if (data->shape == shape) {
    return data;
  }
  if (graph::element_count(data->shape) != graph::element_count(shape)) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': {} weights for [{}]", out.layer().name,
          graph::element_count(data->shape).value_or(0), fmt::join(shape, ","));
  }
  auto shaped = std::make_shared<graph::Tensor>(*data);
  shaped->shape = shape;
  return shaped;
}

/// First, since others that were added before may read them: Layer::setInput().
void emit_constants(const NetworkState& network, Emitter& out, graph::Graph& graph,
                    const std::map<const Tensor*, graph::ValueId>& ids) {
  for (const auto& layer : network.layers) {
    const LayerState& state = layer->state();
    if (layer->type() == LayerType::kConstant && !(state.original && !state.changed)) {
      out.begin(state);
      graph::Value& value = graph.value(ids.at(layer->output(0)));
      value.data = shaped_constant(out);
      value.type = value.data->type;
      value.shape = value.data->shape;
    }
  }
}

void check_layer_names(const NetworkState& network) {
  std::set<std::string_view> names;
  for (const auto& layer : network.layers) {
    if (layer->name().empty() || !names.insert(layer->name()).second) {
      raise(ErrorCode::kInvalidArgument, "two layers are called '{}'", layer->name());
    }
  }
}

/// An engine writes its outputs, so none of them is an input.
void check_output(const Tensor& tensor) {
  if (tensor.isInput()) {
    raise(ErrorCode::kUnsupported,
          "network input '{}' is an output as well: put an identity layer between them", tensor.name());
  }
}

}  // namespace

Lowered lower(const NetworkState& network, const std::map<std::string, graph::Shape>& shapes) {
  check_layer_names(network);
  Lowered result;
  graph::Graph& graph = result.graph;
  graph.name = network.name;
  graph.opsets = network.opsets;
  const auto ids = add_tensors(network, graph, shapes);
  Emitter out(graph, ids);
  emit_constants(network, out, graph, ids);
  for (const auto& layer : network.layers) {
    out.begin(layer->state());
    if (layer->state().original && !layer->state().changed) {
      emit_original(out, graph);
      result.nodes[layer.get()] = {layer->name()};
      continue;
    }
    if (layer->type() == LayerType::kConstant) {
      continue;
    }
    emit_layer(out);
    result.nodes[layer.get()] = out.nodes();
  }
  for (const Tensor* tensor : network.inputs) {
    graph.inputs.push_back(ids.at(tensor));
  }
  for (const Tensor* tensor : network.outputs) {
    check_output(*tensor);
    graph.outputs.push_back(ids.at(tensor));
  }
  take(graph::sort_topologically(graph));
  return result;
}

}  // namespace medlar::door
