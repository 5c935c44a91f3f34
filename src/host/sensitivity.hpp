// SPDX-License-Identifier: Apache-2.0
// What INT8 costs at the model's outputs, tensor by tensor and layer by layer, measured on a few samples in FP32 with one
// rounding at a time.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "compiler/calibrator.hpp"
#include "compiler/segment.hpp"
#include "host/downstream.hpp"
#include "sample/source.hpp"

namespace medlar::host {

/// How much of a network leaves INT8.
struct HalfLimits {
  double budget = 0.0;   ///< Relative error of the outputs (2-norm) that may remain.
  double delay = 100.0;  ///< Most time that may be added, in parts of the INT8 network's.
  bool weights = true;   ///< Errors of the weights count, as nearest rounding makes them, besides those of stored tensors.
};

class Sensitivity {
 public:
  /// Runs the samples once and keeps every value, of fewer samples where those would take more than 256 MiB.
  static Result<Sensitivity> create(const graph::Graph& graph, const std::vector<sample::Sample>& samples);

  /// Sets the reach of each stored tensor to that of the calibrator, of all four, with the least error at the outputs; outputs
  /// themselves and tensors whose channels are divided are not clipped. `closely`: tensors with one candidate are measured as well,
  /// for fp16_nodes(). Tensors whose reach was chosen before are passed over.
  Status choose_reaches(const std::vector<compiler::StoredTensor>& stored, double percentile, bool closely, const ProgressSink& progress,
                        compiler::CalibrationTable& table);

  /// Nodes to keep in FP16 so that the errors of the other layers add up (as independent errors do) to at most the budget of
  /// the outputs' norm, or until the delay is used up: those of most error for their time first.
  Result<std::set<std::string>> fp16_nodes(const std::vector<compiler::StoredTensor>& stored, const compiler::CalibrationTable& table,
                                           const HalfLimits& limits, const ProgressSink& progress) const;

  /// Of storing the tensor in INT8, at the outputs in the 2-norm; 0 where it cannot be told.
  Result<double> storing_error(const compiler::StoredTensor& stored, const compiler::CalibrationTable& table);

  /// Values whose reach choose_reaches() set.
  const std::set<std::string>& chosen() const { return chosen_; }

 private:
  Sensitivity(graph::Graph judged, std::vector<Values> values) : graph_(std::move(judged)), values_(std::move(values)) {}
  /// The tensor as INT8 gives it back.
  struct Storing {
    const std::string& value;
    const compiler::TensorRange& range;
    std::span<const float> channel_scale = {};  ///< What its channels are divided by.
  };

  Result<OutputError> rounding_error(const Downstream& behind, const Storing& storing, size_t samples) const;
  /// Of rounding an output.
  OutputError own_error(const Storing& storing) const;
  Status choose_reach(const compiler::StoredTensor& stored, double percentile, bool closely, compiler::TensorRange& range);
  Result<double> weight_error(const std::vector<std::string>& nodes) const;
  Result<double> storing_error(const compiler::StoredTensor& stored, const compiler::TensorRange& range);
  Result<double> measured_error(const Storing& storing, size_t samples) const;

  graph::Graph graph_;  ///< Its outputs are those that are judged: in front of a last softmax.
  std::vector<Values> values_;  ///< By sample.
  std::set<std::string> chosen_;  ///< Values whose reach choose_reaches() set.
  std::map<std::pair<std::string, std::vector<float>>, double> storing_;  ///< Errors by value and what divides its channels.
};

}  // namespace medlar::host
