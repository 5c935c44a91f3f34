// SPDX-License-Identifier: Apache-2.0
// Legalise: which ONNX nodes the DLA can run, and their translation to layers. Each operator is a row of one table.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "compiler/calibration.hpp"
#include "compiler/layer_graph.hpp"
#include "compiler/reasons.hpp"
#include "graph/graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

/// What a check may look at.
struct Question {
  const graph::Graph& graph;
  const hw::HwConfig& config;
  hw::Precision precision = hw::Precision::kInt8;
  const std::set<std::string>* halves = nullptr;  ///< INT8: nodes of the user's model that compute in FP16.
};

/// Empty: the DLA can run it.
using Verdict = std::optional<Refusal>;

/// Value and item of the batch.
using ItemKey = std::pair<graph::ValueId, int>;

/// A segment under translation. Every item of a batch has tensors and layers of its own; weights are equal, so the back
/// half stores them once.
struct Lowering {
  const Question& question;
  LayerGraph layers;
  std::map<ItemKey, TensorId> tensors;  ///< Where each value of the graph lies.
  int item = 0;                         ///< The one under translation.
};

struct OperatorRow {
  std::string_view op_type;
  Verdict (*check)(const Question&, const graph::Node&);
  /// Called only for nodes that check() accepts; an error is a bug or an attribute of the wrong type.
  Status (*lower)(Lowering&, const graph::Node&);
};

/// The operator table, sorted by name.
std::span<const OperatorRow> operator_rows();
/// nullptr when the DLA has no such operator.
const OperatorRow* find_operator(const graph::Node& node);

/// Whether the DLA can run the node: domain, types, shapes, then the operator's own row.
Verdict check_node(const Question& question, const graph::Node& node);

/// Translates the nodes of one segment. `outputs` are the values that somebody outside needs.
Result<LayerGraph> lower_segment(const Question& question, std::span<const graph::NodeId> nodes,
                                 std::span<const graph::ValueId> outputs);

}  // namespace medlar::compiler
