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

/// ||changed - exact|| / ||exact|| of one output.
struct OutputError {
  double two = 0.0;   ///< In the 2-norm.
  double four = 0.0;  ///< In the 4-norm, in which few large errors outweigh many small ones.
};

/// 0 where the two cannot be compared.
OutputError relative_error(const graph::Tensor& ours, const graph::Tensor& reference);

class Downstream {
 public:
  /// kUnsupported when no output depends on the value.
  static Result<Downstream> create(const graph::Graph& graph, const std::string& value);

  /// Of the outputs with `changed` beside those in `values`, by output.
  Result<std::vector<OutputError>> errors(const Values& values, const graph::Tensor& changed) const;

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
