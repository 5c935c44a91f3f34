// SPDX-License-Identifier: Apache-2.0
#include "graph/fold.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "graph/captures.hpp"
#include "graph/shape_context.hpp"

namespace medlar::graph {
namespace {

/// Results differ from run to run, or carry quantisation that the compiler wants to see.
constexpr std::array<std::string_view, 8> kRandom = {"RandomNormal",     "RandomNormalLike", "RandomUniform",
                                                     "RandomUniformLike", "Multinomial",      "Bernoulli",
                                                     "Dropout",          "Constant"};
constexpr std::array<std::string_view, 3> kQuantisation = {"QuantizeLinear", "DequantizeLinear",
                                                           "DynamicQuantizeLinear"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view op_type) {
  return std::find(names.begin(), names.end(), op_type) != names.end();
}

Tensor int_tensor(DataType type, const Shape& shape, const std::vector<int64_t>& values) {
  if (type == DataType::kInt32) {
    return make_tensor<int32_t>(type, shape, std::vector<int32_t>(values.begin(), values.end()));
  }
  if (type == DataType::kBool) {
    return make_tensor<uint8_t>(type, shape, std::vector<uint8_t>(values.begin(), values.end()));
  }
  return make_tensor<int64_t>(type, shape, values);
}

class Folder {
 public:
  Folder(Graph& graph, Evaluator* evaluator, const FoldOptions& options)
      : graph_(graph), evaluator_(evaluator), options_(options), inference_(graph), alias_(graph.values.size()) {
    for (size_t i = 0; i < alias_.size(); ++i) {
      alias_[i] = static_cast<ValueId>(i);
    }
    producer_ = producers(graph);
    outputs_.insert(graph.outputs.begin(), graph.outputs.end());
    const CaptureIndex captures(graph);
    for (const Node& node : graph.nodes) {
      for (const ValueId id : captures.of(node)) {
        captured_.insert(id);
      }
      for (const ValueId id : node.inputs) {
        read_.insert(id);
      }
    }
  }

  Result<int> run() {
    const size_t before = graph_.nodes.size();
    std::vector<bool> gone(before);
    for (size_t n = 0; n < before; ++n) {
      Node& node = graph_.nodes[n];
      for (ValueId& id : node.inputs) {
        id = resolve(id);
      }
      MEDLAR_TRY(inference_.infer(node));
      gone[n] = fold_known_ints(node) || bypass(node) || fold_floats(node) || evaluate(node);
    }
    drop(gone);
    remove_dead(graph_);
    return static_cast<int>(before - graph_.nodes.size());
  }

 private:
  ValueId resolve(ValueId id) const {
    while (id != kNoValue && alias_[static_cast<size_t>(id)] != id) {
      id = alias_[static_cast<size_t>(id)];
    }
    return id;
  }

  void drop(const std::vector<bool>& gone) {
    std::vector<Node> kept;
    for (size_t n = 0; n < gone.size(); ++n) {
      if (!gone[n]) {
        kept.push_back(std::move(graph_.nodes[n]));
      }
    }
    graph_.nodes = std::move(kept);
    for (Node& node : graph_.nodes) {
      for (ValueId& id : node.inputs) {
        id = resolve(id);
      }
    }
  }

  void set_constant(ValueId id, Tensor tensor) {
    Value& value = graph_.value(id);
    value.type = tensor.type;
    value.shape = tensor.shape;
    value.data = std::make_shared<const Tensor>(std::move(tensor));
  }

  /// Integer results that shape inference has followed to the end.
  bool fold_known_ints(const Node& node) {
    std::vector<std::pair<ValueId, Tensor>> results;
    for (const ValueId id : node.outputs) {
      if (id == kNoValue) {
        continue;
      }
      const auto values = inference_.all_ints(id);
      const Value& value = graph_.value(id);
      if (!values || !value.shape || element_count(*value.shape) != static_cast<int64_t>(values->size())) {
        return false;
      }
      results.emplace_back(id, int_tensor(value.type, *value.shape, *values));
    }
    for (auto& [id, tensor] : results) {
      set_constant(id, std::move(tensor));
    }
    return true;
  }

  bool fold_floats(const Node& node) {
    auto tensor = fold_small(graph_, node);
    if (tensor) {
      set_constant(node.outputs[0], std::move(*tensor));
    }
    return tensor.has_value();
  }

  bool is_bypass(const Node& node) const {
    if (!node.domain.empty() || node.inputs.empty() || node.inputs[0] == kNoValue || node.outputs[0] == kNoValue) {
      return false;
    }
    return node.op_type == "Identity" || (node.op_type == "Dropout" && is_inference_dropout(node));
  }

  bool is_inference_dropout(const Node& node) const {
    const bool mask_used = node.outputs.size() > 1 && node.outputs[1] != kNoValue && is_used(node.outputs[1]);
    if (mask_used || node.inputs.size() < 3 || node.inputs[2] == kNoValue) {
      return !mask_used;
    }
    const Value& training = graph_.value(node.inputs[2]);
    const auto flag = training.is_constant() ? to_ints(*training.data) : std::nullopt;
    return flag && flag->size() == 1 && (*flag)[0] == 0;
  }

  bool is_used(ValueId id) const { return read_.contains(id) || outputs_.contains(id) || captured_.contains(id); }

  /// Readers of the output read the input instead. A graph output keeps its name: then the producer takes it over.
  bool bypass(const Node& node) {
    if (!is_bypass(node)) {
      return false;
    }
    const ValueId from = node.inputs[0];
    const ValueId to = node.outputs[0];
    const Value& source = graph_.value(from);
    if (source.is_constant()) {
      set_constant(to, *source.data);
      return true;
    }
    if (captured_.contains(to)) {
      return false;
    }
    if (!outputs_.contains(to)) {
      alias_[static_cast<size_t>(to)] = from;
      return true;
    }
    const NodeId producer = producer_[static_cast<size_t>(from)];
    if (producer == kNoValue || outputs_.contains(from) || captured_.contains(from)) {
      return false;
    }
    std::vector<ValueId>& outputs = graph_.nodes[static_cast<size_t>(producer)].outputs;
    std::replace(outputs.begin(), outputs.end(), from, to);
    producer_[static_cast<size_t>(to)] = producer;
    alias_[static_cast<size_t>(from)] = to;
    return true;
  }

  bool can_evaluate(const Node& node) const {
    if (evaluator_ == nullptr || is_one_of(kRandom, node.op_type) || is_one_of(kQuantisation, node.op_type)) {
      return false;
    }
    bool nested = false;
    for (const auto& [key, attribute] : node.attributes) {
      nested = nested || std::holds_alternative<Subgraph>(attribute) ||
               std::holds_alternative<OpaqueAttribute>(attribute);
    }
    const auto constant = [&](ValueId id) { return id == kNoValue || graph_.value(id).is_constant(); };
    return !nested && !node.inputs.empty() && std::all_of(node.inputs.begin(), node.inputs.end(), constant) &&
           fits(node);
  }

  /// Results whose size is known beforehand are not computed in vain.
  bool fits(const Node& node) const {
    return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
      if (id == kNoValue || !graph_.value(id).shape) {
        return true;
      }
      const Value& value = graph_.value(id);
      const auto count = element_count(*value.shape);
      const int bytes = std::max(1, element_bytes(value.type));
      return !count || static_cast<uint64_t>(*count) <= options_.max_bytes / static_cast<uint64_t>(bytes);
    });
  }

  bool evaluate(const Node& node) {
    if (!can_evaluate(node)) {
      return false;
    }
    std::vector<const Tensor*> inputs;
    for (const ValueId id : node.inputs) {
      inputs.push_back(id == kNoValue ? nullptr : graph_.value(id).data.get());
    }
    std::vector<ValueId> outputs = node.outputs;
    std::erase(outputs, kNoValue);
    auto results = evaluator_->run(graph_, node, inputs);
    if (!results || results->size() != outputs.size()) {
      return false;  // The host cannot either: the node stays, and the host says why when it is built.
    }
    for (const Tensor& tensor : *results) {
      if (tensor.bytes.size() > options_.max_bytes) {
        return false;
      }
    }
    for (size_t o = 0; o < outputs.size(); ++o) {
      set_constant(outputs[o], std::move((*results)[o]));
    }
    return true;
  }

  Graph& graph_;
  Evaluator* evaluator_;
  const FoldOptions& options_;
  ShapeInference inference_;
  std::vector<ValueId> alias_;  ///< Value to read instead; itself for most.
  std::vector<NodeId> producer_;
  std::unordered_set<ValueId> outputs_, captured_, read_;
};

}  // namespace

Result<int> fold_constants(Graph& graph, Evaluator* evaluator, const FoldOptions& options) {
  return Folder(graph, evaluator, options).run();
}

}  // namespace medlar::graph
