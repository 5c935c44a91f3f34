// SPDX-License-Identifier: Apache-2.0
// From an ONNX file to an engine: import, fold, calibrate on the host, compile.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "compiler/calibrator.hpp"
#include "engine/engine.hpp"
#include "graph/graph.hpp"
#include "sample/preprocess.hpp"

namespace medlar::api {

struct BuildRequest {
  std::filesystem::path model = {};
  std::string device = {};                             ///< Empty: the default device.
  hw::Precision precision = hw::Precision::kFp16;
  std::filesystem::path calibration = {};                 ///< Folder, archive or sample files; INT8 only.
  compiler::CalibratorChoice calibrator = {};             ///< How the ranges follow from the samples.
  std::map<std::string, graph::Shape> shapes = {};          ///< Input name to static shape.
  bool allow_fallback = true;
  std::optional<sample::Preprocess> preprocess = std::nullopt;        ///< Overrides the file beside the model.
  LogSink log = null_log_sink();                       ///< Notices and warnings.
  ProgressSink progress = {};                               ///< May be empty.
};

/// The engine for request.device. Errors name the file, node, limit and value.
Result<engine::Engine> build(const BuildRequest& request);

/// `<model>.preprocess.json` beside the model, if there is one.
Result<std::optional<sample::Preprocess>> preprocess_beside(const std::filesystem::path& model);

}  // namespace medlar::api
