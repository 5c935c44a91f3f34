// SPDX-License-Identifier: Apache-2.0
// Greedy cutting, and the removal of small islands.
#include "compiler/partition/partition.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace medlar::compiler {
namespace {

using graph::NodeId;
using graph::ValueId;

/// Lists of nodes that run in turns on engines, beginning with `first`.
std::vector<SegmentNodes> cut_from(const graph::Graph& graph, const std::vector<Engine>& engine, Engine first) {
  const std::vector<NodeId> makers = graph::producers(graph);
  std::vector<bool> done(graph.nodes.size());
  const auto ready = [&](const graph::Node& node) {
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
      const NodeId maker = id == graph::kNoValue ? graph::kNoValue : makers[static_cast<size_t>(id)];
      return maker == graph::kNoValue || done[static_cast<size_t>(maker)];
    });
  };
  constexpr std::array kTurns = {Engine::kDla, Engine::kGpu, Engine::kCpu};
  size_t turn = static_cast<size_t>(std::find(kTurns.begin(), kTurns.end(), first) - kTurns.begin());
  size_t left = graph.nodes.size();
  std::vector<SegmentNodes> segments;
  while (left > 0) {
    SegmentNodes segment{.engine = kTurns[turn], .nodes = {}, .inputs = {}, .outputs = {}};
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (!done[i] && engine[i] == segment.engine && ready(graph.nodes[i])) {
        done[i] = true;
        segment.nodes.push_back(static_cast<NodeId>(i));
      }
    }
    left -= segment.nodes.size();
    if (!segment.nodes.empty()) {
      segments.push_back(std::move(segment));
    }
    turn = (turn + 1) % kTurns.size();
  }
  return segments;
}

/// Values that nested graphs read count as inputs of the node that holds them.
std::vector<ValueId> operands(const graph::Graph& graph, const graph::Node& node) {
  std::vector<ValueId> values = node.inputs;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* nested = std::get_if<graph::Subgraph>(&attribute);
    for (const std::string& captured : nested != nullptr ? nested->captured : std::vector<std::string>{}) {
      if (const auto id = graph::find_value(graph, captured)) {
        values.push_back(*id);
      }
    }
  }
  return values;
}

void find_borders(const graph::Graph& graph, std::vector<SegmentNodes>& segments) {
  std::vector<int> home(graph.values.size(), -1);
  for (size_t s = 0; s < segments.size(); ++s) {
    for (const NodeId id : segments[s].nodes) {
      for (const ValueId value : graph.nodes[static_cast<size_t>(id)].outputs) {
        if (value != graph::kNoValue) {
          home[static_cast<size_t>(value)] = static_cast<int>(s);
        }
      }
    }
  }
  std::set<ValueId> leaving(graph.outputs.begin(), graph.outputs.end());
  for (size_t s = 0; s < segments.size(); ++s) {
    std::set<ValueId> seen;
    for (const NodeId id : segments[s].nodes) {
      for (const ValueId value : operands(graph, graph.nodes[static_cast<size_t>(id)])) {
        if (value == graph::kNoValue || graph.value(value).is_constant() ||
            home[static_cast<size_t>(value)] == static_cast<int>(s)) {
          continue;
        }
        leaving.insert(value);
        if (seen.insert(value).second) {
          segments[s].inputs.push_back(value);
        }
      }
    }
  }
  for (SegmentNodes& segment : segments) {
    for (const NodeId id : segment.nodes) {
      for (const ValueId value : graph.nodes[static_cast<size_t>(id)].outputs) {
        if (leaving.contains(value)) {
          segment.outputs.push_back(value);
        }
      }
    }
  }
}

bool is_heavy(const graph::Node& node) {
  constexpr std::array<std::string_view, 6> kHeavy = {"Conv", "Gemm", "MatMul", "MaxPool", "AveragePool", "ConvTranspose"};
  return std::find(kHeavy.begin(), kHeavy.end(), node.op_type) != kHeavy.end();
}

}  // namespace

std::vector<SegmentNodes> cut_segments(const graph::Graph& graph, const std::vector<Engine>& engine) {
  std::vector<SegmentNodes> best;
  for (const Engine first : {Engine::kDla, Engine::kGpu, Engine::kCpu}) {
    std::vector<SegmentNodes> segments = cut_from(graph, engine, first);
    if (best.empty() || segments.size() < best.size()) {
      best = std::move(segments);
    }
  }
  find_borders(graph, best);
  return best;
}

void demote_islands(const graph::Graph& graph, Assignment& assignment) {
  for (bool changed = true; changed;) {
    changed = false;
    const std::vector<SegmentNodes> segments = cut_segments(graph, assignment.engine);
    for (const SegmentNodes& segment : segments) {
      const bool heavy = std::any_of(segment.nodes.begin(), segment.nodes.end(), [&](NodeId id) {
        return is_heavy(graph.nodes[static_cast<size_t>(id)]);
      });
      if (segment.engine != Engine::kDla || heavy) {
        continue;
      }
      std::vector<Engine> without = assignment.engine;
      for (const NodeId id : segment.nodes) {
        without[static_cast<size_t>(id)] = Engine::kCpu;
      }
      const size_t after = cut_segments(graph, without).size();
      if (after >= segments.size()) {
        continue;
      }
      for (const NodeId id : segment.nodes) {
        assignment.refusal[static_cast<size_t>(id)] =
            Refusal{Reason::kIsland, fmt::format("{} segments instead of {}", segments.size(), after), ""};
      }
      assignment.engine = std::move(without);
      changed = true;
      break;
    }
  }
}

}  // namespace medlar::compiler
