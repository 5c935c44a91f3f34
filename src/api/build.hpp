// SPDX-License-Identifier: Apache-2.0
// From an ONNX file to an engine: import, fold, calibrate on the host, compile.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/layer_precisions.hpp"
#include "base/log.hpp"
#include "compiler/calibrator.hpp"
#include "compiler/io_formats.hpp"
#include "compiler/partition/costs.hpp"
#include "compiler/partition/engine_rules.hpp"
#include "engine/engine.hpp"
#include "graph/graph.hpp"
#include "sample/preprocess.hpp"

namespace medlar::api {

/// Memory that DLA segments may use, in TensorRT's terms.
struct MemoryPools {
  uint64_t managed_sram = 0;                      ///< On-chip, for intermediate tensors of all segments together.
  uint64_t local_dram = uint64_t{1} << 30;        ///< Intermediate tensors of one segment.
  uint64_t global_dram = uint64_t{512} << 20;     ///< Weights of one segment.
};

struct BuildRequest {
  std::filesystem::path model = {};
  std::string device = {};                             ///< Empty: the default device.
  hw::Precision precision = hw::Precision::kFp16;
  /// INT8 only: folder, archive or sample file, or a calibration cache (TensorRT's or NVDLA's JSON). A model with Q/DQ
  /// pairs may do without.
  std::filesystem::path calibration = {};
  bool assume_ranges = false;  ///< INT8 without calibration data: assumed ranges, not an error. Times are right, values are not.
  std::filesystem::path save_calibration = {};            ///< The ranges go here too: NVDLA's JSON for .json, else TensorRT's cache.
  compiler::CalibratorChoice calibrator = {};             ///< How the ranges follow from the samples.
  std::vector<LayerPrecision> layer_precisions = {};      ///< Single layers in FP16 (INT8 builds) or, on the host, in FP32. The last match wins.
  std::optional<double> accuracy_budget = std::nullopt;   ///< Layers go to FP16 until the outputs' relative error is below.
  std::map<std::string, graph::Shape> shapes = {};          ///< Input name to static shape.
  bool allow_fallback = true;
  std::vector<compiler::EngineRule> engines = {};          ///< Layers that the user wants elsewhere; later rules win.
  compiler::Placing placing = compiler::Placing::kPreferDla;
  MemoryPools pools = {};
  std::vector<compiler::IoFormat> input_formats = {}, output_formats = {};  ///< Layouts at the DLA's border; empty: the compiler's choice.
  std::optional<sample::Preprocess> preprocess = std::nullopt;        ///< Overrides the file beside the model.
  bool probe = false;                                  ///< Every tensor of the DLA becomes an output: for debugging.
  LogSink log = null_log_sink();                       ///< Notices and warnings.
  ProgressSink progress = {};                               ///< May be empty.
};

/// The engine for request.device. Errors name the file, node, limit and value.
Result<engine::Engine> build(const BuildRequest& request);

/// `<model>.preprocess.json` beside the model, if there is one.
Result<std::optional<sample::Preprocess>> preprocess_beside(const std::filesystem::path& model);

}  // namespace medlar::api
