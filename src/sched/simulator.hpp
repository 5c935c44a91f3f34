// SPDX-License-Identifier: Apache-2.0
// Discrete-event simulation of a scenario on virtual time. Pure: the same scenario gives the same bytes.
#pragma once

#include "sched/metrics.hpp"

#include <functional>

namespace medlar::sched {

struct SimulateOptions {
  size_t timeline_spans = 0;  ///< How much of the timeline to keep.
  uint64_t max_frames = 0;    ///< Of each stream; 0: what the scenario says.
  /// Called when a frame's step has ended on the mapping that it took, in order of virtual time: what runs
  /// beside the simulation hooks in here.
  std::function<void(size_t stream, uint64_t frame, size_t step, const Mapping& mapping)> on_step = {};
};

/// kInvalidArgument when the scenario does not hold together (no stream, an open end, a mapping without
/// segments, ...).
Result<Outcome> simulate(const Scenario& scenario, const SimulateOptions& options = {});

/// What simulate() checks first.
Status check(const Scenario& scenario);

}  // namespace medlar::sched
