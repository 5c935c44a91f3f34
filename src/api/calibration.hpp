// SPDX-License-Identifier: Apache-2.0
// Where the ranges of an INT8 build come from: samples, a cache, the model's own Q/DQ pairs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "api/build.hpp"
#include "compiler/compile.hpp"

namespace medlar::api {

/// An accuracy budget that nothing exceeds: no layer leaves INT8. Without a budget and without layer precisions, devices of
/// both precisions keep the error below 0.05 where that takes less time than FP16, and those with INT8 alone where few
/// multiply-accumulates have to leave the DLA.
inline constexpr double kAnyError = 1.0;

struct Calibrated {
  compiler::CalibrationTable table;
  std::set<std::string> fp16_nodes;  ///< Layers that the accuracy budget and the request keep in FP16.
  std::map<std::string, std::string> host_nodes = {};  ///< Layers that go to the host where there is no FP16, and why.
};

/// `stated`: the ranges of Q/DQ pairs, which win. `options` are those of the build to come.
Result<Calibrated> calibrate(const BuildRequest& request, const graph::Graph& graph, const std::optional<sample::Preprocess>& preprocess,
                             const compiler::CalibrationTable& stated, const compiler::CompileOptions& options);

}  // namespace medlar::api
