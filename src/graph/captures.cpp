// SPDX-License-Identifier: Apache-2.0
#include "graph/captures.hpp"

#include <algorithm>

namespace medlar::graph {
namespace {

bool has_captures(const Node& node) {
  bool found = false;
  for_each_capture(node, [&](std::string_view) { found = true; });
  return found;
}

}  // namespace

CaptureIndex::CaptureIndex(const Graph& graph) {
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), has_captures)) {
    return;
  }
  for (size_t i = 0; i < graph.values.size(); ++i) {
    ids_.emplace(graph.values[i].name, static_cast<ValueId>(i));
  }
}

std::vector<ValueId> CaptureIndex::of(const Node& node) const {
  std::vector<ValueId> out;
  for_each_capture(node, [&](std::string_view name) {
    const auto found = ids_.find(name);
    out.push_back(found == ids_.end() ? kNoValue : found->second);
  });
  return out;
}

}  // namespace medlar::graph
