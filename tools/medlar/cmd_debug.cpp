// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/debug.hpp"
#include "base/files.hpp"
#include "commands.hpp"
#include "import/onnx_import.hpp"
#include "terminal.hpp"

namespace medlar::tools {
namespace {

struct Options {
  std::string model, device, calibration, samples, shapes, preprocess, layer_precisions;
  std::string calibrator = "best";
  bool int8 = false, fp16 = false, all = false, json = false;
  uint64_t limit = 1;
  double tolerance = 0.0;
};

Result<api::DebugRequest> make_request(const Options& options) {
  api::DebugRequest request;
  request.build.model = options.model;
  request.build.device = options.device;
  request.build.precision = options.int8 ? hw::Precision::kInt8 : hw::Precision::kFp16;
  request.build.calibration = options.calibration;
  request.build.calibrator.kind = compiler::find_calibrator(options.calibrator).value();
  request.build.log = terminal_log(false);
  request.build.progress = terminal_progress();
  request.samples = options.samples;
  request.limit = options.limit;
  request.tolerance = options.tolerance;
  MEDLAR_ASSIGN(request.build.shapes, import::parse_shapes(options.shapes));
  MEDLAR_ASSIGN(request.build.layer_precisions, api::parse_layer_precisions(options.layer_precisions));
  if (!options.preprocess.empty()) {
    MEDLAR_ASSIGN(const std::string json, read_text_file(options.preprocess));
    MEDLAR_ASSIGN(request.build.preprocess, sample::parse_preprocess(json, options.preprocess));
  }
  if (options.samples.empty() && options.calibration.empty()) {
    return fail(Code::kInvalidArgument, "wants samples to compare on: --images PATH (image, folder, .tar, .npy or .npz)");
  }
  return request;
}

Status run_debug(const Options& options) {
  MEDLAR_ASSIGN(const api::DebugRequest request, make_request(options));
  MEDLAR_ASSIGN(const api::DebugReport report, api::debug(request));
  fmt::print("{}", options.json ? api::debug_to_json(report) : api::debug_to_text(report, options.all));
  return {};
}

}  // namespace

Action add_debug(CLI::App& app) {
  CLI::App* command = app.add_subcommand("debug", "Compare a model layer by layer with FP32 and name the first layer that diverges");
  const auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "ONNX model")->required();
  command->add_option("--device", options->device, "Device profile (see `medlar devices`); default orin-nano-8gb");
  auto* int8 = command->add_flag("--int8", options->int8, "INT8; wants --calib");
  command->add_flag("--fp16", options->fp16, "FP16 (the default)")->excludes(int8);
  command->add_option("--images", options->samples, "Samples to compare on: image, folder, .tar, .npy or .npz (default: --calib)");
  command->add_option("--calib", options->calibration, "Calibration data or cache, as for build");
  command->add_option("--calibrator", options->calibrator, "best (the default), entropy, mse, percentile or max")
      ->check(CLI::IsMember({"best", "entropy", "mse", "percentile", "max"}));
  command->add_option("--layerPrecisions", options->layer_precisions, "Layers that stay in FP16, as for build");
  command->add_option("--limit", options->limit, "Samples to compare on (default 1)")->check(CLI::Range(1, 1000000));
  command->add_option("--tolerance", options->tolerance, "Relative error (2-norm) that counts as divergence (default: fp16 0.01, int8 0.1)");
  command->add_option("--shapes", options->shapes, "Static input shapes, e.g. name:1x3x224x224,other:1x10");
  command->add_option("--preprocess", options->preprocess, "JSON that says how images become inputs (default: the file beside the model)");
  command->add_flag("--all", options->all, "List every tensor, not only those before the divergence");
  command->add_flag("--json", options->json, "Print JSON, every tensor");
  return [options] { return run_debug(*options); };
}

}  // namespace medlar::tools
