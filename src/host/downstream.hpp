// SPDX-License-Identifier: Apache-2.0
// The part of a model behind one value: what a change of that value does to the outputs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "host/session.hpp"

namespace medlar::host {

/// All values of one run of the model, by name.
using Values = std::map<std::string, graph::Tensor>;

class Downstream {
 public:
  /// kUnsupported when no output depends on the value.
  static Result<Downstream> create(const graph::Graph& graph, const std::string& value);

  /// ||outputs with `changed` - outputs in `values`|| / ||outputs in `values`||, by output; the norm sums powers of `exponent`.
  Result<std::vector<double>> errors(const Values& values, const graph::Tensor& changed, double exponent) const;

 private:
  Downstream(Session session, std::string value) : session_(std::move(session)), value_(std::move(value)) {}

  Session session_;
  std::string value_;
};

/// Elements of a float32 or float16 tensor; empty for others.
std::vector<float> floats_of(const graph::Tensor& tensor);

/// Names of all values that the graph's nodes compute.
std::vector<std::string> computed_values(const graph::Graph& graph);

}  // namespace medlar::host
