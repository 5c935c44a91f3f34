// SPDX-License-Identifier: Apache-2.0
// `medlar report`: one self-contained page about a model or an engine.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/report.hpp"
#include "base/files.hpp"
#include "commands.hpp"
#include "model_options.hpp"

namespace medlar::tools {
namespace {

struct Options {
  ModelOptions model;
  std::string output, mode, accuracy;
  uint32_t core = 0;
};

Status run_report(const Options& options) {
  MEDLAR_ASSIGN(const engine::Engine engine, open_engine(options.model));
  const api::ProfileOptions request{.mode = options.mode, .engine = {.core = options.core}, .inputs = {}};
  MEDLAR_ASSIGN(const api::Profiled profiled, api::profile_engine(engine, options.model.file, request));
  MEDLAR_ASSIGN(report::ReportData data, api::report_data(engine, profiled));
  if (!options.accuracy.empty()) {
    MEDLAR_ASSIGN(const std::string json, read_text_file(options.accuracy));
    MEDLAR_ASSIGN(data.accuracy, api::accuracy_rows(json, options.accuracy));
  }
  const std::string page = report::render_html(data);
  MEDLAR_TRY(write_file(options.output, ByteView(reinterpret_cast<const uint8_t*>(page.data()), page.size())));
  fmt::print("{}: {} layers, {:.1f} MiB, opens offline\n", options.output, data.layers.size(),
             static_cast<double>(page.size()) / 1048576.0);
  return {};
}

}  // namespace

Action add_report(CLI::App& app) {
  CLI::App* command = app.add_subcommand("report", "Write one HTML page: placement, timeline, roofline, memory, energy, advice");
  const auto options = std::make_shared<Options>();
  add_model_options(*command, options->model);
  command->add_option("-o,--output", options->output, "Page to write")->required();
  command->add_option("--mode", options->mode, "Power mode of the module (default: the profile's)");
  command->add_option("--useDLACore", options->core, "DLA core to run on");
  command->add_option("--accuracy", options->accuracy, "Show this output of `medlar accuracy --json` too");
  return [options] { return run_report(*options); };
}

}  // namespace medlar::tools
