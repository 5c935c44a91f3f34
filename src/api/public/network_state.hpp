// SPDX-License-Identifier: Apache-2.0
// What networks, layers and tensors are made of. A layer is described in TensorRT's words; one that was read
// from ONNX keeps its node, which stands as long as none of its parameters is changed. Private to this
// folder.
#pragma once

#include "graph/graph.hpp"
#include "medlar/network.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace medlar {

struct NetworkState;

struct TensorState {
  NetworkState* network = nullptr;
  std::string name;
  graph::DataType type = graph::DataType::kUndefined;
  std::optional<graph::Shape> shape;  ///< Absent until inferred, or when not even the rank is known.
  graph::DataType declared_type = graph::DataType::kUndefined;  ///< What the ONNX file says.
  std::optional<graph::Shape> declared_shape;
  Layer* producer = nullptr;  ///< Null: a network input.
  bool is_input = false;
  bool is_output = false;
  std::optional<std::pair<float, float>> range;
};

/// What a layer reads: a tensor, a constant of its own, or nothing (an omitted optional input).
struct Operand {
  Tensor* tensor = nullptr;
  std::shared_ptr<const graph::Tensor> constant;
  std::string constant_name;
};

using Constant = std::shared_ptr<const graph::Tensor>;
using Parameter = std::variant<int64_t, double, Dims, Constant, std::string>;

struct LayerState {
  NetworkState* network = nullptr;
  LayerType type = LayerType::kOther;
  std::string name;
  std::string metadata;
  std::vector<Operand> operands;
  std::vector<Tensor*> outputs;  ///< Null where an optional output is omitted.
  std::map<std::string, Parameter, std::less<>> parameters;
  std::optional<graph::Node> original;  ///< Of a parsed layer: operator, attributes, origins.
  bool changed = false;                 ///< The original does not say what the parameters say.
  std::optional<DataType> precision;
  std::map<int, DataType> output_types;

  /// The tensor inputs, constants left out.
  std::vector<Tensor*> inputs() const;
};

struct NetworkState {
  std::string name = "network";
  std::map<std::string, int64_t> opsets{{"", 17}};
  std::deque<std::unique_ptr<Tensor>> tensors;
  std::deque<std::unique_ptr<Layer>> layers;
  std::vector<Tensor*> inputs, outputs;
  std::function<Result<graph::Graph>(const std::map<std::string, graph::Shape>&)>
      reimport;           ///< Of the parsed file.
  bool touched = false;   ///< Differs from the parsed file.
  uint64_t revision = 0;  ///< Grows with every change.
  mutable bool inferred = false;

  Tensor& new_tensor(std::string tensor_name);
  Layer& new_layer(LayerType type, std::string_view kind, const std::vector<Tensor*>& inputs,
                   int outputs = 1);
  std::string unique_tensor_name(const std::string& wanted) const;
  Tensor* find_tensor(std::string_view tensor_name) const;
  void touch() {
    touched = true;
    inferred = false;
    ++revision;
  }
  /// Fills type and shape of every tensor. Throws what shape inference says.
  void infer() const;
  /// Throws InvalidArgument unless the tensor is this network's.
  void check_owner(const Tensor& tensor, std::string_view what) const;
};

namespace door {

/// Names that a layer kind understands, with the type that each has: i(nt), f(loat), d(ims), w(eights),
/// s(tring).
struct ParameterSpec {
  std::string_view name;
  char type;
};
std::vector<ParameterSpec> parameter_specs(LayerType type);
/// How many inputs a layer of the kind may have, those among them that it can do without.
size_t max_inputs(LayerType type);

/// Kind and parameters of an ONNX node, as far as TensorRT has words for them.
void describe_onnx_node(const graph::Graph& graph, LayerState& layer);
/// True when every parameter of the parsed layer was understood, so that it may be changed.
bool fully_described(const LayerState& layer);

/// A network as ONNX graph, with the names of the nodes that each layer became.
struct Lowered {
  graph::Graph graph;
  std::map<const Layer*, std::vector<std::string>> nodes;
};

/// `shapes` replace those of inputs. Throws what does not fit.
Lowered lower(const NetworkState& network, const std::map<std::string, graph::Shape>& shapes = {});

}  // namespace door
}  // namespace medlar
