// SPDX-License-Identifier: Apache-2.0
// A graph with inputs, taken through compiler and simulated device.
#pragma once

#include <map>
#include <string>

#include "compiler/plan.hpp"
#include "engine/engine.hpp"
#include "graph/graph.hpp"

namespace medlar::test {

using TensorMap = std::map<std::string, graph::Tensor>;

struct GraphRun {
  graph::Graph graph;
  TensorMap inputs;
};

struct TripOptions {
  std::string device = "nv_full";
  hw::Precision precision = hw::Precision::kFp16;
  bool constant_operands = false;  ///< Node tests: all inputs but the first become constants.
};

/// Folds (in place), calibrates on the run's own inputs, compiles.
Result<engine::Engine> build_run(GraphRun& run, const TripOptions& options);

/// The graph as an ONNX file.
Result<ByteBuffer> model_of(const GraphRun& run);

/// The FP32 graph on the host.
Result<TensorMap> reference_run(const GraphRun& run);

/// ||ours - wanted|| / ||wanted||; infinite where sizes differ.
double relative_error(const graph::Tensor& ours, const graph::Tensor& wanted);

}  // namespace medlar::test
