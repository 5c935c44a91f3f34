// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "accuracy_commands.hpp"
#include "api/accuracy.hpp"
#include "base/files.hpp"
#include "terminal.hpp"

namespace medlar::tools {
namespace {

struct Options {
  std::string engine, model, images, preprocess;
  api::AccuracyTask task = api::AccuracyTask::kClassify;
  uint64_t limit = 0;
  float confidence = 0.5f;
  bool json = false;
};

const std::map<std::string, api::AccuracyTask> kTasks{{"classify", api::AccuracyTask::kClassify},
                                                      {"detect", api::AccuracyTask::kDetect},
                                                      {"segment", api::AccuracyTask::kSegment},
                                                      {"tensor", api::AccuracyTask::kTensor}};

Status run_accuracy(const Options& options) {
  if (options.engine.empty() || options.images.empty()) {
    return fail(Code::kInvalidArgument, "wants X.engine --images PATH (a folder or .tar of images, or .npy/.npz samples)");
  }
  api::AccuracyRequest request{.engine = options.engine,
                               .model = options.model,
                               .images = options.images,
                               .task = options.task,
                               .limit = options.limit,
                               .confidence = options.confidence,
                               .preprocess = std::nullopt,
                               .log = terminal_log(false),
                               .progress = terminal_progress()};
  if (!options.preprocess.empty()) {
    MEDLAR_ASSIGN(const std::string json, read_text_file(options.preprocess));
    MEDLAR_ASSIGN(request.preprocess, sample::parse_preprocess(json, options.preprocess));
  }
  MEDLAR_ASSIGN(const api::AccuracyReport report, api::measure_accuracy(request));
  fmt::print("{}", options.json ? api::accuracy_to_json(report) : api::accuracy_to_text(report));
  return {};
}

}  // namespace

Action add_accuracy(CLI::App& app) {
  CLI::App* command = app.add_subcommand("accuracy", "Compare an engine on the simulated device with its FP32 model, image by image");
  const auto options = std::make_shared<Options>();
  command->add_option("engine", options->engine, "X.engine");
  command->add_option("--images", options->images, "Folder or .tar of images, or .npy/.npz samples");
  command->add_option("--model", options->model, "The FP32 reference (default: the ONNX file that the engine was built from; if it moved, its name beside the engine, here or in MEDLAR_MODEL_PATH)");
  command
      ->add_option("--task", options->task,
                   "classify (class index before the first '_' of a file's name), detect, segment or tensor")
      ->transform(CLI::CheckedTransformer(kTasks, CLI::ignore_case))
      ->option_text("TEXT:{classify,detect,segment,tensor}");
  command->add_option("--limit", options->limit, "Stop after N images");
  command->add_option("--confidence", options->confidence, "detect: boxes of the reference above this score count")
      ->check(CLI::Range(0.01f, 1.0f));
  command->add_option("--preprocess", options->preprocess, "Override how images become inputs (JSON)");
  command->add_flag("--json", options->json, "Print JSON");
  const Action timing = add_accuracy_timing(*command);
  const Action engines = add_accuracy_engines(*command);
  return [options, command, timing, engines] {
    return command->got_subcommand("timing")    ? timing()
           : command->got_subcommand("engines") ? engines()
                                                : run_accuracy(*options);
  };
}

}  // namespace medlar::tools
