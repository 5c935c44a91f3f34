// SPDX-License-Identifier: Apache-2.0
// `medlar accuracy timing`: every modelled figure beside its reference.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "accuracy_commands.hpp"
#include "profile/reference_tables.hpp"

namespace medlar::tools {
namespace {

using profile::AccuracyTable;

struct Options {
  std::vector<std::string> only;
  std::string data;
  bool all = false, json = false, markdown = false;
};

/// --data, else MEDLAR_TEST_DATA, else none.
std::string data_folder(const Options& options) {
  const char* const variable = std::getenv("MEDLAR_TEST_DATA");
  return !options.data.empty() ? options.data : variable != nullptr ? variable : "";
}

Status print_page() {
  MEDLAR_ASSIGN(const std::string page, profile::accuracy_page());
  fmt::print("{}", page);
  return {};
}

Status run(const Options& options) {
  if (options.markdown) {
    return print_page();
  }
  const std::string data = data_folder(options);
  MEDLAR_ASSIGN(std::vector<AccuracyTable> tables, profile::all_tables(data));
  std::vector<std::string> wanted = options.only;
  if (wanted.empty() && !options.all) {
    wanted = {"rtl"};
  }
  if (!options.all) {
    std::erase_if(tables, [&](const AccuracyTable& table) {
      return std::none_of(wanted.begin(), wanted.end(), [&](const std::string& id) { return table.id.starts_with(id); });
    });
  }
  if (options.json) {
    fmt::print("{}", profile::to_json(tables));
    return {};
  }
  if (data.empty()) {
    fmt::print("The RTL runs that ship with the program; more lie below MEDLAR_TEST_DATA or --data (not set).\n\n");
  }
  for (const AccuracyTable& table : tables) {
    fmt::print("{}", profile::to_text(table));
  }
  return {};
}

}  // namespace

Action add_accuracy_timing(CLI::App& accuracy) {
  CLI::App* command = accuracy.add_subcommand("timing", "Modelled cycles, time, power and energy beside their references");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("--table", options->only,
                   "Which tables (default: rtl): rtl, primer, primer-speed, primer-tiling, primer-power, utilisation, dla-over-gpu, seed, "
                   "seed-latency, seed-power, seed-claims")
      ->check(CLI::IsMember({"rtl", "primer", "primer-speed", "primer-tiling", "primer-power", "utilisation", "dla-over-gpu", "seed",
                             "seed-latency", "seed-power", "seed-claims"}));
  command->add_flag("--all", options->all, "All tables");
  command->add_option("--data", options->data,
                      "Folder with further RTL runs: rtl_cycles.tsv, rtl_traces.tar.xz, nvdla_hw_traces_v1.tar.xz (default: "
                      "MEDLAR_TEST_DATA)");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--markdown", options->markdown, "Print the page docs/accuracy.md (the shipped runs only)");
  return [options] { return run(*options); };
}

}  // namespace medlar::tools
