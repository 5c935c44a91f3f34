// SPDX-License-Identifier: Apache-2.0
// Which values of a graph the nested graphs of its nodes read: names turned into ids.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph.hpp"

namespace medlar::graph {

/// Looks up captured names. The graph must outlive it and keep its value names.
class CaptureIndex {
 public:
  explicit CaptureIndex(const Graph& graph);
  /// Captured values of one node, in the order of its attributes; names that the graph lacks come as kNoValue.
  std::vector<ValueId> of(const Node& node) const;

 private:
  std::unordered_map<std::string_view, ValueId> ids_;  ///< Empty when no node has a nested graph.
};

/// Calls `visit(name)` for every name that a nested graph of `node` captures.
template <typename Visit>
void for_each_capture(const Node& node, Visit visit) {
  for (const auto& [key, attribute] : node.attributes) {
    const auto* subgraph = std::get_if<Subgraph>(&attribute);
    const auto* opaque = std::get_if<OpaqueAttribute>(&attribute);
    if (subgraph == nullptr && opaque == nullptr) {
      continue;
    }
    for (const std::string& name : subgraph != nullptr ? subgraph->captured : opaque->captured) {
      visit(std::string_view(name));
    }
  }
}

}  // namespace medlar::graph
