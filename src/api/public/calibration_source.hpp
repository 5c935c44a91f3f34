// SPDX-License-Identifier: Apache-2.0
// Ranges for INT8 from what the caller gave: a calibrator's cache or batches, files, ranges of single
// tensors. Private to this folder.
#pragma once

#include "api/public/config_state.hpp"
#include "api/public/network_state.hpp"
#include "compiler/calibration.hpp"

namespace medlar::door {

/// For `graph`, folded and without Q/DQ pairs; `stated` is what those said, and wins over calibration. Throws
/// InvalidArgument when there is no source at all.
compiler::CalibrationTable ranges_for(const graph::Graph& graph, const NetworkState& network,
                                      const BuilderConfig::State& config, compiler::CalibrationTable stated,
                                      Logger& logger);

}  // namespace medlar::door
