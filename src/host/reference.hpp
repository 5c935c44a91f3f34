// SPDX-License-Identifier: Apache-2.0
// The FP32 model with its inner values in sight: calibration and layer by layer comparison watch them.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "host/session.hpp"
#include "sample/source.hpp"

namespace medlar::host {

class Reference {
 public:
  /// Runs `graph` node by node as written and hands out the values called `wanted`, which nodes compute.
  static Result<Reference> create(const graph::Graph& graph, std::vector<std::string> wanted);

  /// In the order of `wanted`.
  Result<std::vector<graph::Tensor>> run(const sample::Sample& sample) const;
  const std::vector<std::string>& wanted() const { return wanted_; }

 private:
  Reference(Session session, std::vector<std::string> wanted) : session_(std::move(session)), wanted_(std::move(wanted)) {}

  Session session_;
  std::vector<std::string> wanted_;
};

/// The graph's inputs as the sample readers want them.
std::vector<sample::InputSpec> input_specs(const graph::Graph& graph);

}  // namespace medlar::host
