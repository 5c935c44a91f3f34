// SPDX-License-Identifier: Apache-2.0
// Writes the nodes that one layer becomes. Private to this folder.
#pragma once

#include "api/public/errors.hpp"
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

  /// An operand of integers as int64, which ONNX wants where TensorRT takes int32; `shape` (may be null): as
  /// which it is read. Constants stay constants.
  graph::ValueId int64_operand(size_t index, const graph::Shape* shape = nullptr);
  /// The data of an operand that a constant layer made; null for others.
  Constant constant_operand(size_t index);
  /// Shape of an operand, inferred from what is emitted so far.
  Dims input_dims(size_t index);
  graph::DataType input_type(size_t index);

  int64_t int_of(std::string_view name) const;
  double float_of(std::string_view name) const;
  const Dims& dims_of(std::string_view name) const;
  const Constant& data_of(std::string_view name) const;
  const std::string& text_of(std::string_view name) const;
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
void emit_normalization(Emitter& out);
void emit_slice(Emitter& out);
void emit_fill(Emitter& out);
void emit_nms(Emitter& out);
/// Layers that look things up by index, and other rarer ones. False: the kind is none of them.
bool emit_indexed(Emitter& out);

/// Throws Unsupported naming the layer.
[[noreturn]] void refuse(const Emitter& out, std::string_view what);
void need_opset(const Emitter& out, int64_t least);

/// What a table says for the number of an enumeration.
template <typename Table>
auto row(const Emitter& out, const Table& table, int64_t index, std::string_view what) {
  if (index < 0 || static_cast<size_t>(index) >= table.size()) {
    raise(ErrorCode::kInvalidArgument, "layer '{}': there is no {} {}", out.layer().name, what, index);
  }
  return table[static_cast<size_t>(index)];
}

}  // namespace medlar::door
