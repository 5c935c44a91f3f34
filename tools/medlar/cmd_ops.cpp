// SPDX-License-Identifier: Apache-2.0
// medlar ops: the operator matrix of a device.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "compiler/operators.hpp"
#include "hw/device.hpp"

namespace medlar::tools {
namespace {

struct OpsOptions {
  std::string device;
  bool json = false, markdown = false;
};

std::vector<std::string> names_of(const std::vector<hw::Precision>& precisions) {
  std::vector<std::string> names;
  for (const hw::Precision precision : precisions) {
    names.emplace_back(hw::precision_name(precision));
  }
  return names;
}

void print_json(const hw::DeviceProfile& device, const std::vector<compiler::OperatorInfo>& matrix) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const compiler::OperatorInfo& info : matrix) {
    rows.push_back({{"operator", info.op_type}, {"grade", compiler::grade_name(info.grade)},
                    {"precisions", names_of(info.precisions)}, {"notes", info.notes}, {"error", info.error},
                    {"reason_code", info.reason_code}, {"reason", info.reason}});
  }
  fmt::print("{}\n", nlohmann::ordered_json{{"device", device.name}, {"operators", rows}}.dump(2));
}

void print_text(const std::vector<compiler::OperatorInfo>& matrix) {
  fmt::print("{:<24} {:<9} {:<10} {}\n", "operator", "grade", "precision", "limits and conditions");
  for (const compiler::OperatorInfo& info : matrix) {
    const bool host = info.grade == compiler::Grade::kHost;
    std::string text = host ? fmt::format("{} {}", info.reason_code, info.reason) : info.notes;
    text += host && !info.notes.empty() ? "; " + info.notes : "";
    text += info.error.empty() ? "" : fmt::format("; error {}", info.error);
    fmt::print("{:<24} {:<9} {:<10} {}\n", info.op_type, compiler::grade_name(info.grade),
               fmt::format("{}", fmt::join(names_of(info.precisions), "+")), text);
  }
  fmt::print("Every other operator runs on the host (MDL2001). Errors of tables are min(|error|, |error| / |value|) in FP16.\n");
}

Status run_ops(const OpsOptions& options) {
  const hw::DeviceProfile* device = &hw::default_device();
  if (!options.device.empty()) {
    MEDLAR_ASSIGN(device, hw::find_device(options.device));
  }
  if (options.markdown) {
    const hw::HwConfig* const config = device->config;
    fmt::print("{}", compiler::operators_page(std::span(&config, 1)));
    return {};
  }
  const auto matrix = compiler::operator_matrix(*device->config);
  if (options.json) {
    print_json(*device, matrix);
  } else {
    print_text(matrix);
  }
  return {};
}

}  // namespace

Action add_ops(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ops", "What the compiler does with each ONNX operator on a device, and why");
  const auto options = std::make_shared<OpsOptions>();
  command->add_option("--device", options->device, "Device profile (medlar devices)");
  auto* json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--markdown", options->markdown, "Print a Markdown table")->excludes(json);
  return [options] { return run_ops(*options); };
}

}  // namespace medlar::tools
