// SPDX-License-Identifier: Apache-2.0
// The invariants of a graph. A pass that breaks one is caught by the next verify().
#include <unordered_set>

#include "graph/captures.hpp"

namespace medlar::graph {
namespace {

enum class Definition : uint8_t { kNone, kPending, kDefined };

/// Walks the graph in order and remembers which values exist so far.
class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph), captures_(graph), defined_(graph.values.size(), Definition::kNone) {}

  Status run() {
    MEDLAR_TRY(check_values());
    MEDLAR_TRY(check_inputs());
    MEDLAR_TRY(check_nodes());
    for (const ValueId id : graph_.outputs) {
      MEDLAR_TRY(in_range(id, "the graph's outputs"));
      if (defined(id) != Definition::kDefined) {
        return fail(Code::kCorrupt, "output {} has no producer", graph_.value(id).name);
      }
    }
    return {};
  }

 private:
  Definition& defined(ValueId id) { return defined_[static_cast<size_t>(id)]; }

  Status in_range(ValueId id, std::string_view where) const {
    if (id < 0 || static_cast<size_t>(id) >= graph_.values.size()) {
      return fail(Code::kOutOfRange, "{}: value id {} of {} values", where, id, graph_.values.size());
    }
    return {};
  }

  Status check_values() {
    std::unordered_set<std::string_view> names;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      if (value.name.empty()) {
        return fail(Code::kCorrupt, "value {} has no name", i);
      }
      if (!names.insert(value.name).second) {
        return fail(Code::kCorrupt, "two values are named {}", value.name);
      }
      MEDLAR_TRY(check_shape(value));
      if (value.is_constant()) {
        MEDLAR_TRY(check_constant(value));
        defined_[i] = Definition::kDefined;
      }
    }
    return {};
  }

  static Status check_shape(const Value& value) {
    for (const int64_t dim : value.shape.value_or(Shape{})) {
      if (dim < kUnknownDim) {
        return fail(Code::kCorrupt, "value {} has a dimension of {}", value.name, dim);
      }
    }
    return {};
  }

  static Status check_constant(const Value& value) {
    const Tensor& data = *value.data;
    if (value.type != data.type || value.shape != data.shape) {
      return fail(Code::kCorrupt, "constant {}: its data are of another type or shape than the value", value.name);
    }
    const auto count = element_count(data.shape);
    const bool fits = data.type == DataType::kString
                          ? count && data.strings.size() == static_cast<size_t>(*count)
                          : storage_bytes(data.type, data.shape) == data.bytes.size();
    if (!fits) {
      return fail(Code::kCorrupt, "constant {}: {} bytes do not fill its shape", value.name, data.bytes.size());
    }
    return {};
  }

  Status check_inputs() {
    for (const ValueId id : graph_.inputs) {
      MEDLAR_TRY(in_range(id, "the graph's inputs"));
      if (defined(id) == Definition::kDefined) {
        return fail(Code::kCorrupt, "input {} is listed twice or is a constant", graph_.value(id).name);
      }
      defined(id) = Definition::kDefined;
    }
    return {};
  }

  Status check_nodes() {
    MEDLAR_TRY(check_node_names());
    MEDLAR_TRY(mark_pending());
    for (const Node& node : graph_.nodes) {
      MEDLAR_TRY(check_reads(node));
      for (const ValueId id : node.outputs) {
        if (id != kNoValue) {
          defined(id) = Definition::kDefined;
        }
      }
    }
    return {};
  }

  Status check_node_names() const {
    std::unordered_set<std::string_view> names;
    for (const Node& node : graph_.nodes) {
      if (node.op_type.empty() || node.name.empty()) {
        return fail(Code::kCorrupt, "node '{}' ('{}') lacks its name or operator", node.name, node.op_type);
      }
      if (!names.insert(node.name).second) {
        return fail(Code::kCorrupt, "two nodes are named {}", node.name);
      }
    }
    return {};
  }

  /// Outputs of nodes: one producer each, none of them an input or a constant.
  Status mark_pending() {
    for (const Node& node : graph_.nodes) {
      bool any = false;
      for (const ValueId id : node.outputs) {
        if (id == kNoValue) {
          continue;
        }
        any = true;
        MEDLAR_TRY(in_range(id, node.name));
        if (defined(id) != Definition::kNone) {
          return fail(Code::kCorrupt, "node {}: output {} is already defined", node.name, graph_.value(id).name);
        }
        defined(id) = Definition::kPending;
      }
      if (!any) {
        return fail(Code::kCorrupt, "node {} ({}) has no output", node.name, node.op_type);
      }
    }
    return {};
  }

  Status check_reads(const Node& node) {
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) {
        MEDLAR_TRY(in_range(id, node.name));
        MEDLAR_TRY(check_read(node, id));
      }
    }
    for (const ValueId id : captures_.of(node)) {
      if (id == kNoValue) {
        return fail(Code::kCorrupt, "node {} ({}): a nested graph captures a value that does not exist", node.name,
                    node.op_type);
      }
      MEDLAR_TRY(check_read(node, id));
    }
    return {};
  }

  Status check_read(const Node& node, ValueId id) {
    switch (defined(id)) {
      case Definition::kDefined: return {};
      case Definition::kPending:
        return fail(Code::kCorrupt, "node {} ({}) reads {} before it is produced", node.name, node.op_type,
                    graph_.value(id).name);
      case Definition::kNone: break;
    }
    return fail(Code::kCorrupt, "node {} ({}) reads {}, which nothing produces", node.name, node.op_type,
                graph_.value(id).name);
  }

  const Graph& graph_;
  CaptureIndex captures_;
  std::vector<Definition> defined_;
};

}  // namespace

Status verify(const Graph& graph) {
  return Verifier(graph).run();
}

}  // namespace medlar::graph
