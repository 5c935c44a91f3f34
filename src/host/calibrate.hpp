// SPDX-License-Identifier: Apache-2.0
// Calibration: the model runs on the host, node by node as written, and the ranges of its activations are kept.
#pragma once

#include <filesystem>
#include <optional>

#include "base/log.hpp"
#include "compiler/calibration.hpp"
#include "graph/graph.hpp"
#include "host/reference.hpp"
#include "sample/source.hpp"

namespace medlar::host {

inline constexpr uint64_t kKeptSamples = 8;
/// Samples of which moments are taken.
inline constexpr uint64_t kCloseSamples = 48;

/// Streams the samples at `path` through the graph and observes every tensor that the compiler asks for. Memory is
/// bounded by one sample's activations. Errors name the sample; no sample at all is one. `kept`, if any, receives up to
/// kKeptSamples samples, evenly spread.
Result<compiler::CalibrationTable> calibrate(const graph::Graph& graph, const std::filesystem::path& path,
                                             const std::optional<sample::Preprocess>& preprocess, const ProgressSink& progress,
                                             std::vector<sample::Sample>* kept = nullptr);

}  // namespace medlar::host
