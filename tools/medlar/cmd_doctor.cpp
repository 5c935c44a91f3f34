// SPDX-License-Identifier: Apache-2.0
// `medlar doctor`: the usual troubles of a DLA, each with cause, evidence and cure.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/doctor.hpp"
#include "commands.hpp"
#include "module_flags.hpp"

namespace medlar::tools {
namespace {

struct Options {
  ModuleFlags module;
  std::string file, samples, model;
};

Status run_doctor(const Options& options) {
  const api::DoctorRequest request{.device = options.module.device,
                                   .module = options.module.options(),
                                   .file = options.file,
                                   .samples = options.samples,
                                   .model = options.model};
  MEDLAR_ASSIGN(const std::vector<api::Finding> findings, api::examine(request));
  fmt::print("{}", api::findings_to_text(findings));
  const auto bad = std::ranges::count(findings, api::Health::kBad, &api::Finding::health);
  return bad == 0 ? Status() : fail(Code::kNotFound, "{} of {} checks failed", bad, findings.size());
}

}  // namespace

Action add_doctor(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "doctor", "Look for the usual troubles: build fails, slower than GPU, accuracy, buffers, DLA not detected");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->file,
                      "X.onnx, X.engine or X.nvdla to examine together with the device");
  command->add_option("--samples", options->samples,
                      "Images or tensors on which an engine is compared with its FP32 model; with X.onnx, an "
                      "INT8 build that they calibrate");
  command->add_option("--model", options->model,
                      "The FP32 model of an engine (default: as for `medlar accuracy`)");
  add_module_flags(*command, options->module);
  return [options] { return run_doctor(*options); };
}

}  // namespace medlar::tools
