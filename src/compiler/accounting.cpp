// SPDX-License-Identifier: Apache-2.0
#include "compiler/accounting.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/back/allocator.hpp"

namespace medlar::compiler {
namespace {

using graph::ValueId;

uint64_t bytes_of(const graph::Value& value) {
  return value.shape ? graph::storage_bytes(value.type, *value.shape).value_or(0) : 0;
}

uint64_t sum_of(const graph::Graph& graph, const std::vector<ValueId>& ids) {
  uint64_t sum = 0;
  for (const ValueId id : ids) {
    sum += bytes_of(graph.value(id));
  }
  return sum;
}

}  // namespace

MemoryUse host_memory(const graph::Graph& graph, const SegmentNodes& segment) {
  MemoryUse use;
  use.input = sum_of(graph, segment.inputs);
  use.output = sum_of(graph, segment.outputs);
  const std::set<ValueId> outside = [&] {
    std::set<ValueId> ids(segment.inputs.begin(), segment.inputs.end());
    ids.insert(segment.outputs.begin(), segment.outputs.end());
    return ids;
  }();
  std::set<const graph::Tensor*> constants;
  std::map<ValueId, back::LiveRange> ranges;
  for (size_t step = 0; step < segment.nodes.size(); ++step) {
    const graph::Node& node = graph.nodes[static_cast<size_t>(segment.nodes[step])];
    for (const auto& ids : {node.inputs, node.outputs}) {
      for (const ValueId id : ids) {
        if (id == graph::kNoValue || outside.contains(id)) {
          continue;
        }
        const graph::Value& value = graph.value(id);
        if (value.is_constant()) {
          use.weights += constants.insert(value.data.get()).second ? bytes_of(value) : 0;
          continue;
        }
        const auto at = ranges.try_emplace(id, back::LiveRange{bytes_of(value), static_cast<int>(step), static_cast<int>(step)}).first;
        at->second.last = static_cast<int>(step);
      }
    }
  }
  std::vector<back::LiveRange> list;
  for (const auto& [id, range] : ranges) {
    list.push_back(range);
    use.intermediate_unshared += range.bytes;
  }
  use.intermediate_bound = back::allocation_lower_bound(list, 1);
  use.intermediate = use.intermediate_bound;
  return use;
}

std::vector<Transition> make_transitions(const Plan& plan, const PartitionCosts& costs) {
  std::map<std::string, Engine> at;
  std::vector<Transition> transitions;
  for (size_t s = 0; s < plan.segments.size(); ++s) {
    const Segment& segment = plan.segments[s];
    if (s > 0 && plan.segments[s - 1].engine != segment.engine) {
      Transition transition{.from = static_cast<int>(s) - 1, .to = static_cast<int>(s), .tensors = {},
                            .seconds = costs.transitions_modelled ? costs.transition_seconds : 0.0};
      for (const std::string& name : segment.inputs) {
        const auto origin = at.find(name);
        if (origin != at.end() && origin->second != segment.engine) {
          transition.tensors.push_back(name);
        }
      }
      transitions.push_back(std::move(transition));
    }
    for (const std::string& name : segment.outputs) {
      at[name] = segment.engine;
    }
  }
  return transitions;
}

}  // namespace medlar::compiler
