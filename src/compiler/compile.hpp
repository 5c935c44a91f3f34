// SPDX-License-Identifier: Apache-2.0
// The compiler: ONNX graph in, plan out. A pure function of its arguments; the same arguments give the same bytes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/back/emit_options.hpp"
#include "compiler/calibration.hpp"
#include "compiler/io_formats.hpp"
#include "compiler/partition/costs.hpp"
#include "compiler/partition/engine_rules.hpp"
#include "compiler/plan.hpp"
#include "graph/graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

struct CompileOptions {
  const hw::HwConfig* config = nullptr;
  hw::Precision precision = hw::Precision::kInt8;  ///< kInt8 or kFp16.
  bool allow_fallback = true;                      ///< false: a node that the DLA cannot run is an error.
  std::vector<EngineRule> engines = {};            ///< The user's wishes, a later one before an earlier one.
  graph::Evaluator* evaluator = nullptr;           ///< For constant folding; null folds shape arithmetic alone.
  PartitionCosts costs = {};
  uint64_t max_intermediate_bytes = uint64_t{1} << 30;  ///< Of one DLA segment.
  std::set<std::string> fp16_nodes = {};  ///< INT8 builds: nodes of the user's model that stay in FP16.
  std::map<std::string, std::string> host_nodes = {};  ///< INT8 builds: nodes that go to the host for their accuracy, and why.
  bool probe = false;                     ///< Every tensor of the DLA's segments becomes an output of the plan.
  uint64_t max_weight_bytes = uint64_t{1} << 32;        ///< Of one DLA segment, packed.
  EmitOptions emit = {};
  std::vector<IoFormat> input_formats = {}, output_formats = {};  ///< Of the model's inputs and outputs, or one for all.
  const graph::Graph* user = nullptr;  ///< Whose nodes the placements account for; null: the graph that is compiled.
};

/// Compiles `graph` (shapes of all inputs known). INT8 needs `table`, filled for calibration_tensors(graph).
/// kUnsupported without fallback: the message lists every node that is not on the DLA, with its reason.
Result<Plan> compile(const graph::Graph& graph, const CompileOptions& options, const CalibrationTable* table);

/// What the operator rules and the partition say of each node, without building anything. compile() may move more nodes
/// to the host: those that turn out not to fit the hardware's memories.
Result<std::vector<Placement>> place(const graph::Graph& graph, const CompileOptions& options);

/// A table to compile with where nothing has been calibrated: placements and sizes are those of a calibrated build.
CalibrationTable assumed_ranges(const graph::Graph& graph);

}  // namespace medlar::compiler
