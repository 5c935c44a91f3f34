// SPDX-License-Identifier: Apache-2.0
// Small graphs from a seed: chains and branches of the operators that the DLA has, with sizes near its limits.
#pragma once

#include "e2e/graph_trip.hpp"

namespace medlar::test {

/// One operator with one edge-case size; used by the property tests.
class TripBuilder {
 public:
  explicit TripBuilder(uint32_t seed);

  graph::ValueId input(const std::string& name, graph::Shape shape, double low = -1.0, double high = 1.0);
  graph::ValueId random(graph::Shape shape, double low, double high);
  graph::ValueId ints(const std::vector<int64_t>& values);
  graph::ValueId floats(const std::vector<float>& values);
  graph::ValueId scalar(float value);
  graph::ValueId constant(graph::Tensor tensor);
  /// Shapes of results are inferred.
  graph::ValueId node(const std::string& op, const std::vector<graph::ValueId>& inputs,
                      std::map<std::string, graph::Attribute> attributes = {});
  graph::Shape shape(graph::ValueId id) const { return *run_.graph.value(id).shape; }
  uint32_t pick(uint32_t count);
  void set_opset(int64_t version) { run_.graph.opsets[""] = version; }
  /// A node with several outputs.
  std::vector<graph::ValueId> nodes(const std::string& op, const std::vector<graph::ValueId>& inputs, int outputs,
                                    std::map<std::string, graph::Attribute> attributes = {});

  GraphRun finish(graph::ValueId output);

 private:
  std::vector<float> numbers(const graph::Shape& shape, double low, double high);

  GraphRun run_;
  uint64_t state_;
  int count_ = 0;
};

/// About `length` operators on a cube of random size.
GraphRun random_graph(uint32_t seed, int length);
/// The same, half of the steps being forms that the graph rewrites take apart: pixels moved to channels, products of channels-last
/// tensors between transposes, a pixel that fills the image, gates in two nodes, functions without an end.
GraphRun random_rewritten_graph(uint32_t seed, int length);

}  // namespace medlar::test
