// SPDX-License-Identifier: Apache-2.0
#include "compiler/partition/riders.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace medlar::compiler {
namespace {

using graph::kNoValue;
using graph::NodeId;
using graph::ValueId;

constexpr NodeId kNone = graph::kNoValue;

bool pointwise(const graph::Node& node) {
  constexpr std::array<std::string_view, 32> kPointwise{
      "Abs",       "Add",         "BatchNormalization", "Clip",     "Div",     "Elu",      "Erf",     "Exp",
      "Gelu",      "HardSigmoid", "HardSwish",          "Identity", "LeakyRelu", "Log",    "Max",     "Min",
      "Mish",      "Mul",         "Neg",                "PRelu",    "Pow",     "Reciprocal", "Relu", "Selu",
      "Sigmoid",   "Softplus",    "Softsign",           "Sqrt",     "Sub",     "Swish",    "Tanh",    "ThresholdedRelu"};
  return std::find(kPointwise.begin(), kPointwise.end(), node.op_type) != kPointwise.end();
}

class Families {
 public:
  explicit Families(const graph::Graph& graph) : graph_(graph), makers_(graph::producers(graph)), leader_(graph.nodes.size(), kNone) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      leader_[i] = graph::is_product(graph.nodes[i]) ? static_cast<NodeId>(i) : pointwise(graph.nodes[i]) ? common_leader(graph.nodes[i]) : kNone;
    }
  }

  std::vector<NodeId> riders() const {
    const std::vector<int> leaving = values_leaving();
    std::vector<NodeId> rides(graph_.nodes.size(), kNone);
    for (size_t i = 0; i < rides.size(); ++i) {
      const NodeId leader = leader_[i];
      if (leader != kNone && leader != static_cast<NodeId>(i) && leaving[static_cast<size_t>(leader)] == 1) {
        rides[i] = leader;
      }
    }
    return rides;
  }

 private:
  NodeId leader_of(ValueId id) const {
    const NodeId maker = makers_[static_cast<size_t>(id)];
    return maker == kNone ? kNone : leader_[static_cast<size_t>(maker)];
  }

  NodeId common_leader(const graph::Node& node) const {
    NodeId common = kNone;
    for (const ValueId id : node.inputs) {
      if (id == kNoValue || graph_.value(id).is_constant()) {
        continue;
      }
      const NodeId leader = leader_of(id);
      if (leader == kNone || (common != kNone && leader != common)) {
        return kNone;
      }
      common = leader;
    }
    return common;
  }

  /// Values of each leader's family that somebody outside it reads.
  std::vector<int> values_leaving() const {
    std::vector<bool> leaves(graph_.values.size(), false);
    for (const ValueId id : graph_.outputs) {
      leaves[static_cast<size_t>(id)] = true;
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const ValueId id : graph_.nodes[i].inputs) {
        if (id != kNoValue && (leader_[i] == static_cast<NodeId>(i) || leader_of(id) != leader_[i])) {
          leaves[static_cast<size_t>(id)] = true;
        }
      }
    }
    std::vector<int> count(graph_.nodes.size(), 0);
    for (size_t id = 0; id < leaves.size(); ++id) {
      const NodeId leader = leaves[id] ? leader_of(static_cast<ValueId>(id)) : kNone;
      if (leader != kNone) {
        ++count[static_cast<size_t>(leader)];
      }
    }
    return count;
  }

  const graph::Graph& graph_;
  std::vector<NodeId> makers_;
  std::vector<NodeId> leader_;
};

}  // namespace

std::vector<NodeId> rides_with(const graph::Graph& graph) { return Families(graph).riders(); }

}  // namespace medlar::compiler
