// SPDX-License-Identifier: Apache-2.0
// `medlar profile`: the per-layer truth, a timeline, advice.
#include "api/profile.hpp"
#include "base/files.hpp"
#include "commands.hpp"
#include "module_flags.hpp"
#include "model_options.hpp"
#include "profile/timeline.hpp"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace medlar::tools {
namespace {

struct Options {
  ModelOptions model;
  std::string mode, timeline;
  host::Provider provider = host::Provider::kAuto;
  uint32_t core = 0;
  bool json = false, advise = false;
};

Status write_text(const std::string& path, const std::string& text) {
  return write_file(path, ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

/// Two JSON objects become one: the advice under the key "advice".
std::string with_advice(const std::string& profile, const std::string& advice) {
  const size_t end = profile.rfind('}');
  return profile.substr(0, profile.find_last_not_of(" \n", end - 1) + 1) + ",\n  \"advice\": " + advice +
         "}\n";
}

void print_text(const Options& options, const api::Profiled& profiled) {
  fmt::print("{}", profile::profile_to_text(profiled.profile));
  for (const std::string& note : profiled.host_notes) {
    fmt::print("Ran on this computer: {}\n", note);
  }
  for (const std::string& conversion : profiled.conversions) {
    fmt::print("Moved between engines: {}\n", conversion);
  }
  if (options.advise) {
    fmt::print("\n{}", profile::advice_to_text(profiled.advice));
  }
}

Status run_profile(const Options& options) {
  MEDLAR_ASSIGN(const engine::Engine engine, open_engine(options.model));
  const api::ProfileOptions request{.mode = options.mode, .engine = {.core = options.core, .provider = options.provider}, .inputs = {}};
  MEDLAR_ASSIGN(const api::Profiled profiled, api::profile_engine(engine, options.model.file, request));
  if (!options.timeline.empty()) {
    MEDLAR_TRY(write_text(options.timeline, profile::inference_timeline(profiled.profile)));
  }
  if (!options.json) {
    print_text(options, profiled);
    return {};
  }
  const std::string json = profile::profile_to_json(profiled.profile);
  fmt::print("{}", options.advise ? with_advice(json, profile::advice_to_json(profiled.advice)) : json);
  return {};
}

}  // namespace

Action add_profile(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "profile", "Say for every layer where it runs, how long, and what bounds it (modelled)");
  const auto options = std::make_shared<Options>();
  add_model_options(*command, options->model);
  command->add_option("--mode", options->mode, "Power mode of the module (default: the profile's)");
  command->add_option("--useDLACore", options->core, "DLA core to run on");
  add_provider_option(*command, options->provider);
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--advise", options->advise,
                    "Say what to change, what it would gain, and which engine to take");
  command->add_option("--timeline", options->timeline,
                      "Write a timeline that Perfetto opens (Chrome trace-event JSON)");
  return [options] { return run_profile(*options); };
}

}  // namespace medlar::tools
