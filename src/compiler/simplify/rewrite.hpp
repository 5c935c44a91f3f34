// SPDX-License-Identifier: Apache-2.0
// What graph rewrites share: building the nodes that take the place of one node.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "graph/graph.hpp"

namespace medlar::compiler {

/// Builds the nodes that stand for `node`, in order. The last one made takes over the node's first output.
class Builder {
 public:
  Builder(graph::Graph& graph, const graph::Node& node) : graph_(graph), node_(node) {}

  graph::ValueId constant(std::string_view part, graph::Tensor tensor);
  graph::ValueId floats(std::string_view part, graph::Shape shape, const std::vector<float>& values);
  graph::ValueId ints(std::string_view part, const std::vector<int64_t>& values);

  /// A node with one output of `shape`; returns that output.
  graph::ValueId add(std::string_view part, std::string_view op_type, std::vector<graph::ValueId> inputs, graph::Shape shape,
                     std::map<std::string, graph::Attribute> attributes = {});
  /// The last node: as add(), with the output of the node that goes.
  void finish(std::string_view op_type, std::vector<graph::ValueId> inputs,
              std::map<std::string, graph::Attribute> attributes = {});

  std::vector<graph::Node> take() { return std::move(nodes_); }

 private:
  graph::Node make(std::string_view part, std::string_view op_type, std::vector<graph::ValueId> inputs,
                   std::map<std::string, graph::Attribute> attributes) const;

  graph::Graph& graph_;
  const graph::Node& node_;
  std::vector<graph::Node> nodes_;
};

/// The nodes instead of a node, or nothing where the rule does not apply.
using Replacement = std::optional<std::vector<graph::Node>>;
/// Which nodes a rule is asked about: ONNX's own operators, or those of other domains, too.
enum class Domains : uint8_t { kOnnx, kAll };
/// Applies `rule` to every node once, in order. True when any was replaced.
bool replace_nodes(graph::Graph& graph, const std::function<Replacement(graph::Graph&, const graph::Node&)>& rule,
                   Domains domains = Domains::kOnnx);

/// Shape of a value when it is known in full.
std::optional<graph::Shape> known_shape(const graph::Graph& graph, graph::ValueId id);
/// Numbers of a constant input or, where there is no such input, of the attribute. Nothing when computed at run time.
std::optional<std::vector<int64_t>> input_ints(const graph::Graph& graph, const graph::Node& node, size_t index,
                                               std::string_view attribute);
/// The shape behind a Transpose.
graph::Shape permuted(const graph::Shape& shape, const std::vector<int64_t>& perm);
bool is_op(const graph::Node& node, std::string_view op_type);
/// "/" appended: a name for a part of `name`.
inline std::string part_of(const std::string& name, std::string_view part) { return name + "/" + std::string(part); }

}  // namespace medlar::compiler
