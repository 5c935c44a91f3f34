// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "api/inspect.hpp"
#include "base/files.hpp"
#include "commands.hpp"

namespace medlar::tools {
namespace {

struct Options {
  std::string file;
  bool json = false;
};

Result<std::string> describe(const Options& options, ByteView bytes) {
  if (engine::is_engine(bytes)) {
    MEDLAR_ASSIGN(const engine::Engine engine, engine::deserialize(bytes, options.file));
    return options.json ? api::engine_to_json(engine) : api::engine_to_text(engine);
  }
  return options.json ? api::loadable_to_json(bytes, options.file) : api::loadable_to_text(bytes, options.file);
}

}  // namespace

Action add_inspect(CLI::App& app) {
  CLI::App* command = app.add_subcommand("inspect", "Show an engine or an NVDLA loadable: layers, placement, sizes");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->file, "X.engine or X.nvdla")->required();
  command->add_flag("--json", options->json, "Print JSON");
  return [options]() -> Status {
    MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(options->file));
    MEDLAR_ASSIGN(const std::string text, describe(*options, bytes));
    fmt::print("{}", text);
    return {};
  };
}

}  // namespace medlar::tools
