// SPDX-License-Identifier: Apache-2.0
// Small graphs built in code, with reproducible random constants, and the walk from graph to interpreted result.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "compiler/calibration.hpp"
#include "compiler/hw_graph.hpp"
#include "compiler/layer_graph.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler::test {

using graph::Attribute;
using graph::Shape;
using graph::ValueId;

class GraphBuilder {
 public:
  explicit GraphBuilder(uint32_t seed = 1) : random_(seed) { graph_.opsets[""] = 13; }

  ValueId input(const std::string& name, Shape shape);
  ValueId constant(Shape shape, const std::vector<float>& values);
  ValueId ints(const std::vector<int64_t>& values);
  /// Constant with values uniform in [low, high).
  ValueId random(Shape shape, double low = -1.0, double high = 1.0);
  /// A node whose only output is called `name` and has `shape`.
  ValueId node(const std::string& op, const std::string& name, const std::vector<ValueId>& inputs, Shape shape,
               std::map<std::string, Attribute> attributes = {});
  void output(ValueId id) { graph_.outputs.push_back(id); }

  graph::Graph& graph() { return graph_; }
  std::vector<double> noise(size_t count, double low, double high);

 private:
  graph::Graph graph_;
  std::mt19937 random_;
};

struct Target {
  const hw::HwConfig* config = nullptr;
  hw::Precision precision = hw::Precision::kInt8;
  std::set<std::string> fp16_nodes = {};  ///< INT8: layers that stay in FP16.
};

/// Everything about one segment: layers before and after fusion, the hardware graph, and how far its outputs are from
/// the real numbers of the unfused layers, relative to the output's scale (INT8: in steps) or to its 2-norm (FP16).
struct Outcome {
  LayerGraph layers, fused;
  HwGraph hardware;
  double max_steps = 0.0;      ///< Worst element of any output, in steps of its INT8 scale.
  double relative_norm = 0.0;  ///< ||ours - reference|| / ||reference||, worst output.
};

/// Lowers the whole graph as one segment, fuses, calibrates on `inputs`, quantises and interprets. Failures abort the
/// test through gtest.
Outcome run_segment(GraphBuilder& builder, const Target& target,
                    const std::map<std::string, std::vector<double>>& inputs);

}  // namespace medlar::compiler::test
