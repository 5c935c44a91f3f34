// SPDX-License-Identifier: Apache-2.0
// Timelines in the Chrome trace-event format, which Perfetto and chrome://tracing open. Modelled time.
#pragma once

#include "profile/engine_profile.hpp"
#include "sched/metrics.hpp"

#include <string>

namespace medlar::profile {

/// One inference: a track for each unit of the DLA, its DMA, GPU, CPU, fences and transitions.
std::string inference_timeline(const EngineProfile& profile);

/// A simulated scenario: a track for each server of each engine, and for transitions and wake-ups.
std::string scenario_timeline(const sched::Scenario& scenario, const sched::Outcome& outcome);

}  // namespace medlar::profile
