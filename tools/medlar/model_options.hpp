// SPDX-License-Identifier: Apache-2.0
// What profile and stats share: an engine from a file, or from an ONNX model compiled on the spot.
#pragma once

#include "base/status.hpp"
#include "engine/engine.hpp"

#include <string>

namespace CLI {
class App;
}

namespace medlar::tools {

struct ModelOptions {
  std::string file, device, calibration, shapes;
  bool int8 = false, fp16 = false;
};

/// The positional file, and --device --int8 --fp16 --calib --shapes for ONNX models.
void add_model_options(CLI::App& command, ModelOptions& options);
Result<engine::Engine> open_engine(const ModelOptions& options);

}  // namespace medlar::tools
