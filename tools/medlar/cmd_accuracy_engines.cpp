// SPDX-License-Identifier: Apache-2.0
// `medlar accuracy engines`: the described device's table, from engines that were compiled and profiled, beside the
// same figures from shapes alone.
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "accuracy_commands.hpp"
#include "api/build.hpp"
#include "api/calibration.hpp"
#include "api/profile.hpp"
#include "profile/reference_tables.hpp"
#include "terminal.hpp"
#include "timing/energy.hpp"

namespace medlar::tools {
namespace {

using profile::AccuracyRow;
using profile::AccuracyTable;

constexpr const char* kDevice = "orin-nano-8gb";

struct Options {
  std::string folder;
  bool json = false, verbose = false;
};

/// Files of scripts/make_topologies by the tables' names.
Result<std::string> file_of(const std::string& network) {
  if (network == "ResNet-50") {
    return std::string("resnet50");
  }
  if (network == "MobileNetV2") {
    return std::string("mobilenet_v2");
  }
  if (network == "YOLOv5s") {
    return std::string("yolov5s");
  }
  return fail(Code::kInternal, "no topology file for {}", network);
}

/// One network in one precision, compiled for the DLA with fallback, and profiled.
struct Compiled {
  engine::Engine engine;
  api::Profiled profiled;
};

class Engines {
 public:
  explicit Engines(const Options& options) : options_(options) {}

  Result<const Compiled*> of(const std::string& network, bool int8) {
    auto& slot = compiled_[{network, int8}];
    if (slot == nullptr) {
      MEDLAR_ASSIGN(const std::string name, file_of(network));
      const std::filesystem::path folder = options_.folder;
      api::BuildRequest request{.model = folder / (name + ".onnx"),
                                .device = kDevice,
                                .precision = int8 ? hw::Precision::kInt8 : hw::Precision::kFp16,
                                .calibration = int8 ? folder / (name + ".npy") : std::filesystem::path()};
      if (int8) {
        request.accuracy_budget = api::kAnyError;  // the table is of engines in INT8 throughout
      }
      request.log = terminal_log(options_.verbose);
      slot = std::make_unique<Compiled>();
      MEDLAR_ASSIGN(slot->engine, api::build(request));
      MEDLAR_ASSIGN(slot->profiled, api::profile_engine(slot->engine, name));
    }
    return slot.get();
  }

 private:
  const Options& options_;
  std::map<std::pair<std::string, bool>, std::unique_ptr<Compiled>> compiled_;
};

/// What an engine takes on the DLA (with fallback), or its whole model on the GPU.
struct Figures {
  double ms = 0, watts = 0;
};

Result<Figures> figures_of(const Compiled& compiled, bool dla) {
  if (dla) {
    const profile::EngineProfile& p = compiled.profiled.profile;
    return Figures{p.total_ms, p.joules / (p.total_ms / 1e3)};
  }
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(kDevice));
  const auto gpu = profile::whole_model_on(compiled.engine, *device, device->mode(), compiler::Engine::kGpu);
  if (!gpu) {
    return fail(Code::kUnsupported, "{} has no GPU", kDevice);
  }
  const double dram = static_cast<double>(gpu->dram_bytes) * timing::dram_joules_per_byte(*device);
  return Figures{gpu->ms, (gpu->joules + dram) / (gpu->ms / 1e3)};
}

Status run(const Options& options) {
  Engines engines(options);
  const AccuracyTable shapes = profile::seed_latency_table(), watts = profile::seed_power_table();
  AccuracyTable latency{.id = "engines-latency",
                        .title = "The described device: latency of compiled engines",
                        .unit = "milliseconds",
                        .source = shapes.source,
                        .note = "Topologies of scripts/make_topologies, built and run for orin-nano-8gb: registers of every operation, "
                                "submissions and transitions included.",
                        .digits = 2};
  AccuracyTable power{.id = "engines-power",
                      .title = "The described device: power of compiled engines",
                      .unit = "watts",
                      .source = watts.source,
                      .note = "Engines and DRAM over the latency.",
                      .digits = 2};
  AccuracyTable difference{.id = "engines-shapes",
                           .title = "The same latencies from shapes and from compiled engines",
                           .unit = "milliseconds",
                           .source = "`medlar accuracy timing --table seed-latency`: layers by shape, fused as a compiler could",
                           .note = "",
                           .digits = 2};
  for (size_t i = 0; i < shapes.rows.size(); ++i) {
    const AccuracyRow& row = shapes.rows[i];
    const bool int8 = row.setting.starts_with("INT8"), dla = row.setting.ends_with("DLA");
    MEDLAR_ASSIGN(const Compiled* compiled, engines.of(row.name, int8));
    MEDLAR_ASSIGN(const Figures figures, figures_of(*compiled, dla));
    latency.rows.push_back({row.name, row.setting, 0, figures.ms, row.low, row.high});
    power.rows.push_back({row.name, row.setting, watts.rows[i].reference, figures.watts});
    difference.rows.push_back({row.name, row.setting, row.modelled, figures.ms});
  }
  const std::vector<AccuracyTable> tables{std::move(latency), std::move(power), std::move(difference)};
  if (options.json) {
    fmt::print("{}", profile::to_json(tables));
    return {};
  }
  for (const AccuracyTable& table : tables) {
    fmt::print("{}", profile::to_text(table));
  }
  return {};
}

}  // namespace

Action add_accuracy_engines(CLI::App& accuracy) {
  CLI::App* command =
      accuracy.add_subcommand("engines", "The described device's table from engines that are compiled and run");
  const auto options = std::make_shared<Options>();
  command->add_option("folder", options->folder, "Where scripts/make_topologies wrote the models")->required();
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("-v,--verbose", options->verbose, "Say more on standard error");
  return [options] { return run(*options); };
}

}  // namespace medlar::tools
