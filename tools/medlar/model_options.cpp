// SPDX-License-Identifier: Apache-2.0
#include "model_options.hpp"

#include "api/build.hpp"
#include "base/files.hpp"
#include "import/onnx_import.hpp"
#include "terminal.hpp"

#include <filesystem>

#include <CLI/CLI.hpp>

namespace medlar::tools {

void add_model_options(CLI::App& command, ModelOptions& options) {
  command.add_option("model", options.file, "X.engine, or an ONNX model, which is compiled first")
      ->required();
  command.add_option("--device", options.device,
                     "Device profile; default the engine's, for ONNX models orin-nano-8gb");
  auto* int8 = command.add_flag("--int8", options.int8, "ONNX models: INT8; wants --calib");
  command.add_flag("--fp16", options.fp16, "ONNX models: FP16 (the default)")->excludes(int8);
  command.add_option("--calib", options.calibration, "ONNX models: calibration data");
  command.add_option("--shapes", options.shapes, "ONNX models: static input shapes, e.g. name:1x3x224x224");
}

Result<engine::Engine> open_engine(const ModelOptions& options) {
  if (std::filesystem::path(options.file).extension() == ".onnx") {
    if (options.int8 && options.calibration.empty()) {
      return fail(Code::kInvalidArgument, "--int8 wants calibration data: add --calib PATH");
    }
    api::BuildRequest request{.model = options.file,
                              .device = options.device,
                              .precision = options.int8 ? hw::Precision::kInt8 : hw::Precision::kFp16,
                              .calibration = options.calibration};
    MEDLAR_ASSIGN(request.shapes, import::parse_shapes(options.shapes));
    request.log = terminal_log(false);
    request.progress = terminal_progress();
    return api::build(request);
  }
  if (options.int8 || options.fp16 || !options.calibration.empty() || !options.shapes.empty()) {
    return fail(Code::kInvalidArgument,
                "{} is built already: --int8, --fp16, --calib and --shapes are for ONNX models",
                options.file);
  }
  MEDLAR_ASSIGN(engine::Engine engine, engine::load(options.file));
  if (!options.device.empty()) {
    MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(options.device));
    MEDLAR_TRY(engine::check_device(engine, *device, options.file));
  }
  return engine;
}

}  // namespace medlar::tools
