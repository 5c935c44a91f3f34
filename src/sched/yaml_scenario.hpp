// SPDX-License-Identifier: Apache-2.0
// Scenario files. docs/scenarios.md describes the format.
#pragma once

#include "sched/scenario.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace medlar::sched {

/// A model that a scenario names as a file: an ONNX model or an engine. Whoever can compile and run it fills
/// in its cost.
struct ModelFile {
  std::string name;
  std::filesystem::path path;  ///< Relative paths start at the scenario file's folder.
  std::string precision;       ///< "int8", "fp16"; of ONNX models.
  std::filesystem::path calibration;
  std::string shapes;
};
using ModelResolver = std::function<Result<ModelSpec>(const ModelFile& file, const Scenario& scenario)>;

/// A scenario and the files of its models, where models are files.
struct LoadedScenario {
  Scenario scenario;
  std::map<std::string, ModelFile> files;  ///< By model name.
};

/// Reads a scenario; steps whose policy does not search are mapped. Errors name file and line; unknown keys
/// are errors. `resolver` may be empty: then a model that is a file is kUnsupported.
Result<LoadedScenario> parse_scenario(const std::string& yaml, const std::filesystem::path& file,
                                      const ModelResolver& resolver);

}  // namespace medlar::sched
