// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/build.hpp"
#include "api/inspect.hpp"
#include "base/files.hpp"
#include "build_options.hpp"
#include "commands.hpp"

namespace medlar::tools {
namespace {

struct Options {
  BuildOptions build;
  std::string output;
};

Status run_build(const Options& options) {
  MEDLAR_ASSIGN(const api::BuildRequest request, make_request(options.build));
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
  add_build_options(*command, options->build);
  command->add_option("-o,--output", options->output, "Engine file to write")->required();
  return [options] { return run_build(*options); };
}

}  // namespace medlar::tools
