// SPDX-License-Identifier: Apache-2.0
// What INT8 costs at the model's outputs, tensor by tensor and layer by layer, measured on a few samples in FP32 with one
// rounding at a time.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "compiler/calibrator.hpp"
#include "compiler/segment.hpp"
#include "host/downstream.hpp"
#include "sample/source.hpp"

namespace medlar::host {

class Sensitivity {
 public:
  /// Runs the samples once and keeps every value, of fewer samples where those would take more than 256 MiB.
  static Result<Sensitivity> create(const graph::Graph& graph, const std::vector<sample::Sample>& samples);

  /// Sets the reach of each stored tensor to that of the calibrator, of all four, with the least error at the outputs; outputs
  /// themselves are not clipped.
  Status choose_reaches(const std::vector<compiler::StoredTensor>& stored, double percentile, const ProgressSink& progress,
                        compiler::CalibrationTable& table);

  /// Nodes to keep in FP16 so that the errors of the other layers, activations and weights, add up (as independent errors
  /// do) to at most `budget` of the outputs' norm: the worst layers first.
  Result<std::set<std::string>> fp16_nodes(const std::vector<compiler::StoredTensor>& stored, const compiler::CalibrationTable& table,
                                           double budget, const ProgressSink& progress) const;

 private:
  Sensitivity(graph::Graph judged, std::vector<Values> values) : graph_(std::move(judged)), values_(std::move(values)) {}
  Result<double> rounding_error(const Downstream& behind, const std::string& value, const compiler::TensorRange& range,
                                double exponent) const;
  Result<double> weight_error(const std::vector<std::string>& nodes) const;

  graph::Graph graph_;  ///< Its outputs are those that are judged: in front of a last softmax.
  std::vector<Values> values_;  ///< By sample.
};

}  // namespace medlar::host
