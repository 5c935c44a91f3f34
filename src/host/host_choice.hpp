// SPDX-License-Identifier: Apache-2.0
// Which nodes of an INT8 build go to the host, where the DLA has nothing finer than INT8: those that spare the outputs most
// error for the time that they take there.
#pragma once

#include "compiler/segment.hpp"
#include "host/sensitivity.hpp"

namespace medlar::host {

struct HostLimits {
  double budget = 0.05;      ///< Relative error of the outputs (2-norm) that is good enough.
  double macs = 0.03;        ///< Most multiply-accumulates that may leave the DLA, as part of all.
  double least_gain = 0.05;  ///< Squared error that a move must spare at least, as part of what there is.
  double heavy = 0.05;       ///< Squared error of one tensor, as part of all, that makes it worth a look.
};

/// A tensor that costs much of the accuracy.
struct CostlyTensor {
  std::string name;
  double error = 0.0;  ///< At the outputs, in the 2-norm, when nothing else is rounded.
};

struct HostChoice {
  std::map<std::string, std::string> nodes;  ///< To CompileOptions::host_nodes.
  double before = 0.0, after = 0.0;          ///< Errors of all stored tensors together, as independent errors add up.
  std::vector<CostlyTensor> left;            ///< Tensors that still cost more than `heavy`, the worst first.
};

/// Moves, one after the other, layers around the tensors that cost most, as long as the rest is beyond the budget and a move
/// helps. A tensor is exact when neither its writer nor a reader is on the DLA; what crosses a border is rounded there, by
/// channel where the host may divide. Every move is judged by the segments that the compiler would cut then. `options` are those
/// of the build; without fallback nothing moves, and `left` says what INT8 costs.
Result<HostChoice> choose_host(const graph::Graph& graph, const compiler::CompileOptions& options, const compiler::CalibrationTable& table,
                               Sensitivity& sensitivity, const HostLimits& limits);

}  // namespace medlar::host
