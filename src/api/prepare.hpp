// SPDX-License-Identifier: Apache-2.0
// What `build` and `check` share: everything before calibration, and compilation after it. Private to this folder.
#pragma once

#include "api/build.hpp"
#include "api/calibration.hpp"
#include "compiler/compile.hpp"

namespace medlar::api {

struct Preparation {
  const hw::DeviceProfile* device = nullptr;
  std::optional<sample::Preprocess> preprocess;
  graph::Graph original;              ///< As the file has it: whose nodes reports account for.
  graph::Graph graph;                 ///< Constants folded, Q/DQ pairs absorbed.
  compiler::CalibrationTable stated;  ///< The ranges of those pairs.
};

Result<Preparation> prepare(const BuildRequest& request);

/// `prepared` has to outlive the options.
compiler::CompileOptions compile_options(const BuildRequest& request, const Preparation& prepared);

/// As the compiler rewrites it first, always alike: the values in between need ranges too.
Result<graph::Graph> rewritten_graph(const Preparation& prepared);

/// Ranges from the request's samples, and the layers that stay in FP16.
Result<Calibrated> calibrate_prepared(const BuildRequest& request, const Preparation& prepared, const compiler::CompileOptions& options);

/// `table`: INT8 only.
Result<engine::Engine> compile_prepared(const BuildRequest& request, const Preparation& prepared, const compiler::CompileOptions& options,
                                        const compiler::CalibrationTable* table);

}  // namespace medlar::api
