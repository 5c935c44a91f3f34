// SPDX-License-Identifier: Apache-2.0
// Writes the nodes that one layer becomes. Private to this folder.
#pragma once

#include "api/public/network_state.hpp"

#include <string>
#include <vector>

namespace medlar::door {

class Emitter {
 public:
  Emitter(graph::Graph& graph, const std::map<const Tensor*, graph::ValueId>& tensors)
      : graph_(graph), tensors_(tensors) {}

  /// Starts a layer: its nodes are named after it and have it as their origin.
  void begin(const LayerState& layer);
  const std::vector<std::string>& nodes() const { return nodes_; }

  int64_t opset() const { return opset_; }
  graph::ValueId operand(size_t index);
  graph::ValueId output(size_t index) const;
  graph::ValueId constant(Constant data, std::string_view what);
  graph::ValueId ints(const std::vector<int64_t>& values, std::string_view what);
  graph::ValueId scalar(float value, std::string_view what);
  graph::ValueId fresh(std::string_view what);
  void node(std::string_view op, std::vector<graph::ValueId> inputs, std::vector<graph::ValueId> outputs,
            std::map<std::string, graph::Attribute> attributes = {});
  /// A node whose result is the next one's input.
  graph::ValueId step(std::string_view op, std::vector<graph::ValueId> inputs,
                      std::map<std::string, graph::Attribute> attributes = {});

  /// Shape of an operand, inferred from what is emitted so far.
  Dims input_dims(size_t index);

  int64_t int_of(std::string_view name) const;
  double float_of(std::string_view name) const;
  const Dims& dims_of(std::string_view name) const;
  const Constant& data_of(std::string_view name) const;
  const Dims* maybe_dims(std::string_view name) const;
  const LayerState& layer() const { return *layer_; }

 private:
  std::string unique(const std::string& wanted) const;

  graph::Graph& graph_;
  const std::map<const Tensor*, graph::ValueId>& tensors_;
  const LayerState* layer_ = nullptr;
  int64_t opset_ = 17;
  std::vector<std::string> nodes_;
};

/// The layer as ONNX nodes, from its parameters. Throws what cannot be said in ONNX.
void emit_layer(Emitter& out);
void emit_convolution(Emitter& out);
void emit_pooling(Emitter& out);

/// Throws Unsupported naming the layer.
[[noreturn]] void refuse(const Emitter& out, std::string_view what);

}  // namespace medlar::door
