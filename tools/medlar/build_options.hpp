// SPDX-License-Identifier: Apache-2.0
// The flags that `build` and `check` share.
#pragma once

#include <optional>
#include <string>

#include "api/build.hpp"

namespace CLI {
class App;
}

namespace medlar::tools {

struct BuildOptions {
  std::string model, device, calibration, save_calibration, layer_precisions, shapes, preprocess, layer_devices, pools, input_formats, output_formats, placing = "dla";
  std::string calibrator = "best";
  double percentile = 99.99;
  std::optional<double> accuracy_budget;
  int threads = 0;
  bool int8 = false, fp16 = false, no_fallback = false, allow_gpu_fallback = false, verbose = false;
};

void add_build_options(CLI::App& command, BuildOptions& options);
Result<api::BuildRequest> make_request(const BuildOptions& options);

}  // namespace medlar::tools
