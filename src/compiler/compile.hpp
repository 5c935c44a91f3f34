// SPDX-License-Identifier: Apache-2.0
// The compiler: ONNX graph in, plan out. A pure function of its arguments; the same arguments give the same bytes.
#pragma once

#include <map>
#include <string>

#include "compiler/calibration.hpp"
#include "compiler/plan.hpp"
#include "graph/graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

struct CompileOptions {
  const hw::HwConfig* config = nullptr;
  hw::Precision precision = hw::Precision::kInt8;  ///< kInt8 or kFp16.
  bool allow_fallback = true;                      ///< false: a node that the DLA cannot run is an error.
  std::map<std::string, Engine> engines = {};      ///< Engine of single nodes, by name; kDla only states the default.
  graph::Evaluator* evaluator = nullptr;           ///< For constant folding; null folds shape arithmetic alone.
};

/// Compiles `graph` (shapes of all inputs known). INT8 needs `table`, filled for calibration_tensors(graph).
/// kUnsupported without fallback: the message lists every node that is not on the DLA, with its reason.
Result<Plan> compile(const graph::Graph& graph, const CompileOptions& options, const CalibrationTable* table);

/// Where each node would run, without building anything: `medlar check`.
Result<std::vector<Placement>> place(const graph::Graph& graph, const CompileOptions& options);

}  // namespace medlar::compiler
