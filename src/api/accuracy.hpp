// SPDX-License-Identifier: Apache-2.0
// What a build costs in accuracy: the engine on the simulated device beside the FP32 model on the host, image by image.
#pragma once

#include "api/accuracy_boxes.hpp"
#include "api/accuracy_classes.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "engine/engine.hpp"
#include "sample/preprocess.hpp"
#include "sample/source.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace medlar::api {

enum class AccuracyTask : uint8_t {
  kClassify,  ///< The class index stands before the first '_' of each file's name.
  kDetect,    ///< Boxes of the reference that the engine finds again.
  kSegment,   ///< Overlap of the class maps.
  kTensor,    ///< 2-norm of the difference of every output.
};

struct AccuracyRequest {
  std::filesystem::path engine = {};
  std::filesystem::path model = {};   ///< The FP32 reference; empty: the file that the engine was built from.
  std::filesystem::path images = {};  ///< Folder, archive or file.
  AccuracyTask task = AccuracyTask::kClassify;
  uint64_t limit = 0;                 ///< Stop after so many images; 0: all.
  sample::Slice slice = {};           ///< Of the images.
  float confidence = 0.5f;            ///< kDetect: boxes of the reference that count.
  std::optional<sample::Preprocess> preprocess = std::nullopt;  ///< Overrides the engine's.
  LogSink log = null_log_sink();
  ProgressSink progress = {};
};

/// ||ours - reference|| / ||reference|| of one output.
struct OutputError {
  std::string name;
  double worst = 0.0, sum = 0.0;  ///< Over the images.
};

struct AccuracyReport {
  AccuracyTask task = AccuracyTask::kClassify;
  std::string engine, device, precision, reference;
  uint64_t images = 0;
  std::vector<OutputError> outputs;  ///< Every task.
  ClassCounts classes;               ///< kClassify.
  BoxCounts boxes;                   ///< kDetect.
  OverlapCounts overlap;             ///< kSegment.
};

/// Memory is bounded by one image. Errors name the engine, model or image.
Result<AccuracyReport> measure_accuracy(const AccuracyRequest& request);
/// The same for an engine in memory, which `request.engine` names in errors.
Result<AccuracyReport> measure_accuracy(const AccuracyRequest& request, engine::Engine engine);

std::string accuracy_to_text(const AccuracyReport& report);
/// Percentages: top1, top5, reference_top1, reference_top5, agreement and so on, by task.
std::string accuracy_to_json(const AccuracyReport& report);
/// Plain counts and sums: those of several slices add up ("lowest" and "worst" are the least and greatest of all).
std::string accuracy_counts_to_json(const AccuracyReport& report);

/// "classify", "detect", "segment" or "tensor".
std::optional<AccuracyTask> find_accuracy_task(std::string_view name);

}  // namespace medlar::api
