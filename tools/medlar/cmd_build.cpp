// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/build.hpp"
#include "api/inspect.hpp"
#include "base/files.hpp"
#include "commands.hpp"
#include "import/onnx_import.hpp"
#include "terminal.hpp"

namespace medlar::tools {
namespace {

struct Options {
  std::string model, output, device, calibration, save_calibration, layer_precisions, shapes, preprocess;
  std::string calibrator = "best";
  double percentile = 99.99;
  std::optional<double> accuracy_budget;
  bool int8 = false, fp16 = false, no_fallback = false, allow_gpu_fallback = false, verbose = false;
};

Result<api::BuildRequest> make_request(const Options& options) {
  if (options.no_fallback && options.allow_gpu_fallback) {
    return fail(Code::kInvalidArgument, "--no-fallback and --allowGPUFallback contradict each other");
  }
  api::BuildRequest request{.model = options.model,
                            .device = options.device,
                            .precision = options.int8 ? hw::Precision::kInt8 : hw::Precision::kFp16,
                            .calibration = options.calibration,
                            .save_calibration = options.save_calibration,
                            .calibrator = {compiler::find_calibrator(options.calibrator).value(), options.percentile},
                            .layer_precisions = {},
                            .accuracy_budget = options.accuracy_budget,
                            .shapes = {},
                            .allow_fallback = !options.no_fallback,
                            .preprocess = std::nullopt,
                            .probe = false,
                            .log = terminal_log(options.verbose),
                            .progress = terminal_progress()};
  MEDLAR_ASSIGN(request.shapes, import::parse_shapes(options.shapes));
  MEDLAR_ASSIGN(request.layer_precisions, api::parse_layer_precisions(options.layer_precisions));
  if (!options.preprocess.empty()) {
    MEDLAR_ASSIGN(const std::string json, read_text_file(options.preprocess));
    MEDLAR_ASSIGN(request.preprocess, sample::parse_preprocess(json, options.preprocess));
  }
  return request;
}

Status run_build(const Options& options) {
  MEDLAR_ASSIGN(const api::BuildRequest request, make_request(options));
  MEDLAR_ASSIGN(const engine::Engine engine, api::build(request));
  const ByteBuffer bytes = engine::serialize(engine);
  MEDLAR_TRY(write_file(options.output, bytes));
  fmt::print("{}", api::placement_summary(engine));
  fmt::print("{}: {} bytes for {}\n", options.output, bytes.size(), engine.device);
  return {};
}

}  // namespace

Action add_build(CLI::App& app) {
  CLI::App* command = app.add_subcommand("build", "Compile an ONNX model into an engine for one device");
  const auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "ONNX model")->required();
  command->add_option("-o,--output", options->output, "Engine file to write")->required();
  command->add_option("--device", options->device, "Device profile (see `medlar devices`); default orin-nano-8gb");
  auto* int8 = command->add_flag("--int8", options->int8, "INT8; wants --calib");
  command->add_flag("--fp16", options->fp16, "FP16 (the default)")->excludes(int8);
  command->add_option("--calib", options->calibration,
                      "Calibration data: folder or .tar of images, .npy/.npz samples, or a cache (TensorRT's, NVDLA's JSON)");
  command->add_option("--save-calib", options->save_calibration,
                      "Write the ranges: NVDLA's JSON for FILE.json, else TensorRT's calibration cache");
  command->add_option("--calibrator", options->calibrator, "best (the default), entropy, mse, percentile or max")
      ->check(CLI::IsMember({"best", "entropy", "mse", "percentile", "max"}));
  command->add_option("--percentile", options->percentile, "Part of all values that stays in range, in percent (default 99.99)")
      ->check(CLI::Range(50.0, 100.0));
  command->add_option("--layerPrecisions", options->layer_precisions,
                      "Layers of an INT8 build that stay in FP16, e.g. 'conv1:fp16,head*:fp16'; '*' matches anything");
  command->add_option("--accuracy-budget", options->accuracy_budget,
                      "Keep the most sensitive layers of an INT8 build in FP16 until the outputs' relative error (2-norm) is below")
      ->check(CLI::Range(1e-6, 10.0));
  command->add_option("--shapes", options->shapes, "Static input shapes, e.g. name:1x3x224x224,other:1x10");
  command->add_option("--preprocess", options->preprocess, "JSON that says how images become inputs (default: the file beside the model)");
  command->add_flag("--no-fallback", options->no_fallback, "Fail when a layer cannot run on the DLA, listing every such layer");
  command->add_flag("--allowGPUFallback", options->allow_gpu_fallback, "Accepted as trtexec users type it; fallback is on by default");
  command->add_flag("-v,--verbose", options->verbose, "Say more on standard error");
  return [options] { return run_build(*options); };
}

}  // namespace medlar::tools
