// SPDX-License-Identifier: Apache-2.0
// What several models on one module come to, on modelled time.
#pragma once

#include <cstdint>
#include <string>

#include "medlar/error.hpp"
#include "medlar/logger.hpp"

namespace medlar {

/// Simulates a scenario file (YAML): its models are compiled and profiled, its streams run on virtual time. Metrics as
/// JSON, as `medlar simulate --json` prints them. `frames`: at most so many of each stream; 0: what the file says.
MEDLAR_API std::string simulateScenario(const std::string& file, Logger& logger, std::uint64_t frames = 0);

}  // namespace medlar
