// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/check.hpp"
#include "base/files.hpp"
#include "build_options.hpp"
#include "commands.hpp"

namespace medlar::tools {
namespace {

struct Options {
  BuildOptions build;
  bool json = false;
  std::string html, annotated;
  double least_percent = 0.0;
};

Status run_check(const Options& options) {
  MEDLAR_ASSIGN(const api::BuildRequest request, make_request(options.build));
  MEDLAR_ASSIGN(const engine::Engine checked, api::check(request));
  fmt::print("{}", options.json ? api::check_to_json(checked) : api::check_to_text(checked));
  if (!options.html.empty()) {
    MEDLAR_ASSIGN(const std::string page, api::check_to_html(checked));
    MEDLAR_TRY(write_file(options.html, ByteView(reinterpret_cast<const uint8_t*>(page.data()), page.size())));
  }
  if (!options.annotated.empty()) {
    MEDLAR_ASSIGN(const ByteBuffer model, api::annotate(request, checked));
    MEDLAR_TRY(write_file(options.annotated, model));
  }
  const double percent = 100.0 * api::dla_share(checked);
  if (percent < options.least_percent) {
    return fail(Code::kUnsupported, "{:.2f} % of the MACs are on the DLA, at least {:.2f} % are wanted", percent, options.least_percent);
  }
  return {};
}

}  // namespace

Action add_check(CLI::App& app) {
  CLI::App* command = app.add_subcommand("check", "Show where every layer of an ONNX model would run, and why, before any build");
  const auto options = std::make_shared<Options>();
  add_build_options(*command, options->build);
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("--html", options->html, "Also write one self-contained page");
  command->add_option("--annotate", options->annotated, "Also write the model with engine, precision, reason and time on every node");
  command->add_option("--min-dla", options->least_percent, "Fail when less than this percentage of the MACs is on the DLA")->check(CLI::Range(0.0, 100.0));
  command->footer("Exit codes: 0 the model builds as shown; 1 it does not, or --no-fallback or --min-dla is not met; 2 wrong command line.");
  return [options] { return run_check(*options); };
}

}  // namespace medlar::tools
