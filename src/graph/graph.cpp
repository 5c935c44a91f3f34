// SPDX-License-Identifier: Apache-2.0
// Queries and rewrites that every pass needs: producers, consumers, dead code, order.
#include "graph/graph.hpp"

#include <algorithm>
#include <functional>
#include <queue>

#include "graph/captures.hpp"

namespace medlar::graph {
namespace {

size_t index(int32_t id) {
  return static_cast<size_t>(id);
}

/// Everything a node reads: its inputs and what its nested graphs capture.
std::vector<ValueId> reads(const Node& node, const CaptureIndex& captures) {
  std::vector<ValueId> out = node.inputs;
  const std::vector<ValueId> captured = captures.of(node);
  out.insert(out.end(), captured.begin(), captured.end());
  std::erase(out, kNoValue);
  return out;
}

struct Liveness {
  std::vector<bool> values;
  std::vector<bool> nodes;
};

Liveness find_live(const Graph& graph) {
  Liveness live{std::vector<bool>(graph.values.size()), std::vector<bool>(graph.nodes.size())};
  const CaptureIndex captures(graph);
  const std::vector<NodeId> producer = producers(graph);
  std::vector<ValueId> work = graph.outputs;
  while (!work.empty()) {
    const ValueId id = work.back();
    work.pop_back();
    if (live.values[index(id)]) {
      continue;
    }
    live.values[index(id)] = true;
    const NodeId node = producer[index(id)];
    if (node == kNoValue || live.nodes[index(node)]) {
      continue;
    }
    live.nodes[index(node)] = true;
    const auto used = reads(graph.nodes[index(node)], captures);
    work.insert(work.end(), used.begin(), used.end());
  }
  return live;
}

void remap(std::vector<ValueId>& ids, const std::vector<ValueId>& to) {
  for (ValueId& id : ids) {
    id = id == kNoValue ? kNoValue : to[index(id)];
  }
}

/// Nodes that must run before each node, without duplicates.
std::vector<std::vector<NodeId>> predecessors(const Graph& graph) {
  const CaptureIndex captures(graph);
  const std::vector<NodeId> producer = producers(graph);
  std::vector<std::vector<NodeId>> out(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : reads(graph.nodes[n], captures)) {
      if (producer[index(id)] != kNoValue) {
        out[n].push_back(producer[index(id)]);
      }
    }
    std::sort(out[n].begin(), out[n].end());
    out[n].erase(std::unique(out[n].begin(), out[n].end()), out[n].end());
  }
  return out;
}

/// A node on a cycle, given nodes of which some (those with `waiting` over 0) could not be ordered.
size_t node_on_cycle(const std::vector<std::vector<NodeId>>& before, const std::vector<size_t>& waiting) {
  const auto stuck = [&](NodeId id) { return waiting[index(id)] > 0; };
  size_t at = 0;
  while (waiting[at] == 0) {
    ++at;
  }
  // Walking backwards through stuck nodes must come round; after as many steps as there are nodes we are on the cycle.
  for (size_t step = 0; step < before.size(); ++step) {
    at = index(*std::find_if(before[at].begin(), before[at].end(), stuck));
  }
  return at;
}

}  // namespace

ValueId add_value(Graph& graph, Value value) {
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size() - 1);
}

std::vector<NodeId> producers(const Graph& graph) {
  std::vector<NodeId> out(graph.values.size(), kNoValue);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].outputs) {
      if (id != kNoValue) {
        out[index(id)] = static_cast<NodeId>(n);
      }
    }
  }
  return out;
}

std::vector<std::vector<NodeId>> consumers(const Graph& graph) {
  std::vector<std::vector<NodeId>> out(graph.values.size());
  const CaptureIndex captures(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : reads(graph.nodes[n], captures)) {
      std::vector<NodeId>& readers = out[index(id)];
      if (readers.empty() || readers.back() != static_cast<NodeId>(n)) {
        readers.push_back(static_cast<NodeId>(n));
      }
    }
  }
  return out;
}

std::optional<ValueId> find_value(const Graph& graph, std::string_view name) {
  const auto found =
      std::find_if(graph.values.begin(), graph.values.end(), [&](const Value& v) { return v.name == name; });
  if (found == graph.values.end()) {
    return std::nullopt;
  }
  return static_cast<ValueId>(found - graph.values.begin());
}

bool is_product(const Node& node) {
  return node.op_type == "Conv" || node.op_type == "ConvTranspose" || node.op_type == "Gemm" || node.op_type == "MatMul";
}

std::string default_node_name(const Graph& graph, const Node& node) {
  const auto first =
      std::find_if(node.outputs.begin(), node.outputs.end(), [](ValueId id) { return id != kNoValue; });
  return first == node.outputs.end() ? node.op_type : node.op_type + "_" + graph.value(*first).name;
}

void remove_dead(Graph& graph) {
  Liveness live = find_live(graph);
  for (const ValueId id : graph.inputs) {
    live.values[index(id)] = true;
  }
  std::vector<Node> nodes;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!live.nodes[n]) {
      continue;
    }
    for (const ValueId id : graph.nodes[n].outputs) {
      if (id != kNoValue) {
        live.values[index(id)] = true;
      }
    }
    nodes.push_back(std::move(graph.nodes[n]));
  }
  std::vector<ValueId> to(graph.values.size(), kNoValue);
  std::vector<Value> values;
  for (size_t v = 0; v < graph.values.size(); ++v) {
    if (live.values[v]) {
      to[v] = static_cast<ValueId>(values.size());
      values.push_back(std::move(graph.values[v]));
    }
  }
  for (Node& node : nodes) {
    remap(node.inputs, to);
    remap(node.outputs, to);
  }
  remap(graph.inputs, to);
  remap(graph.outputs, to);
  graph.nodes = std::move(nodes);
  graph.values = std::move(values);
}

Status sort_topologically(Graph& graph) {
  const auto before = predecessors(graph);
  std::vector<std::vector<NodeId>> after(graph.nodes.size());
  std::vector<size_t> waiting(graph.nodes.size());
  std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>> ready;  // smallest first: the order stays stable
  for (size_t n = 0; n < before.size(); ++n) {
    waiting[n] = before[n].size();
    if (waiting[n] == 0) {
      ready.push(static_cast<NodeId>(n));
    }
    for (const NodeId id : before[n]) {
      after[index(id)].push_back(static_cast<NodeId>(n));
    }
  }
  std::vector<NodeId> order;
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (const NodeId next : after[index(order.back())]) {
      if (--waiting[index(next)] == 0) {
        ready.push(next);
      }
    }
  }
  if (order.size() != graph.nodes.size()) {
    const Node& node = graph.nodes[node_on_cycle(before, waiting)];
    return fail(Code::kCorrupt, "node {} ({}) depends on its own output: the graph has a cycle", node.name,
                node.op_type);
  }
  std::vector<Node> nodes;
  nodes.reserve(order.size());
  for (const NodeId id : order) {
    nodes.push_back(std::move(graph.nodes[index(id)]));
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace medlar::graph
