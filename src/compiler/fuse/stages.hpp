// SPDX-License-Identifier: Apache-2.0
// Which part of the SDP runs each elementwise step. One decision serves fusion (does it fit?) and quantisation (where
// does it go?), so that they cannot disagree.
#pragma once

#include <optional>
#include <span>

#include "compiler/layer_graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

/// Steps of one sub-engine, as indices into the layer's steps; -1: none. X runs ALU, MUL, ReLU; Y runs MUL, ALU.
struct StageSteps {
  int alu = -1, mul = -1;
  bool relu = false;
  int table = -1;  ///< Y only, last.

  bool used() const { return alu >= 0 || mul >= 0 || relu || table >= 0; }
};

struct StagePlan {
  StageSteps x1, x2, y;
  /// INT8: the scale of the output makes saturation do the last step (an upper bound).
  bool saturates = false;
};

/// What the planner has to know about a layer.
struct StageQuestion {
  std::span<const Step> steps;
  bool from_conv = false;  ///< INT8: X1 multiplies the accumulator to a common scale, whatever else it does.
  hw::Precision precision = hw::Precision::kInt8;
  const hw::HwConfig* config = nullptr;
  bool may_saturate = true;  ///< INT8: a last upper bound may be left to the output's saturation.
};

/// The assignment, or nothing when the steps do not fit one pass of the SDP. Steps are taken in order.
std::optional<StagePlan> plan_stages(const StageQuestion& question);

}  // namespace medlar::compiler
