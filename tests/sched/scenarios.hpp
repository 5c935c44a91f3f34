// SPDX-License-Identifier: Apache-2.0
// Small scenarios, built by hand.
#pragma once

#include "sched/simulator.hpp"

#include <string>
#include <vector>

namespace medlar::test {

inline constexpr double kMs = 1e-3;

/// Engines dla0, gpu, cpu (one server each), no gating, 1 ms transitions, 1 GB/s of DRAM, no power.
sched::Scenario bare();

/// A step with a cost of its own on each named engine; the first of `times` that is not 0 is where it runs.
struct Times {
  double dla = 0, gpu = 0, cpu = 0;  ///< Seconds; 0: cannot.
  double dram = 0;                   ///< Bytes.
};
sched::Step step(sched::Scenario& scenario, const std::string& name, const std::vector<size_t>& engines,
                 const Times& times, std::vector<size_t> after = {});

sched::StreamSpec periodic(const std::string& name, double period_seconds, uint64_t frames);

/// simulate(), failing the test on an error.
sched::Outcome run(sched::Scenario scenario, const sched::SimulateOptions& options = {});

inline constexpr size_t kDla0 = 0, kGpu = 1, kCpu = 2;

}  // namespace medlar::test
