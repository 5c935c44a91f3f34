// SPDX-License-Identifier: Apache-2.0
// `medlar trace time`: modelled cycles of every operation in a register trace.
#include "base/files.hpp"
#include "hw/device.hpp"
#include "timing/memory_system.hpp"
#include "timing/program.hpp"
#include "trace_commands.hpp"

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace medlar::tools {
namespace {

struct Options {
  std::string path, device = "nvdla-nv_full", memory;
  bool json = false;
};

using timing::Machine;
using timing::ProgramOp;
using timing::TimedOp;

/// A trace file, or the one trace of a folder.
Result<std::filesystem::path> trace_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    return path;
  }
  std::vector<std::filesystem::path> traces;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    if (entry.path().filename() == "input.txn" || entry.path().extension() == ".cfg") {
      traces.push_back(entry.path());
    }
  }
  if (traces.size() != 1) {
    return fail(Code::kNotFound, "{}: holds {} traces (input.txn or .cfg), wanted 1", path.string(),
                traces.size());
  }
  return traces.front();
}

Result<Machine> machine_of(const Options& options, const hw::DeviceProfile& device) {
  if (options.memory.empty()) {
    return timing::machine_of(device);
  }
  return timing::machine_of_memory(*device.config, options.memory);
}

nlohmann::ordered_json op_json(const ProgramOp& op, const TimedOp& timed) {
  const timing::OpTime& t = timed.time;
  return {{"operation", timing::kind_name(op.snapshot)},
          {"line", op.line},
          {"phase", op.phase},
          {"begin_cycle", timed.begin},
          {"end_cycle", timed.end},
          {"cycles", t.cycles},
          {"load_cycles", t.load_cycles},
          {"mac_cycles", t.mac_cycles},
          {"sdp_cycles", t.sdp_cycles},
          {"macs", t.macs},
          {"dram_read_bytes", t.dram_read_bytes},
          {"dram_write_bytes", t.dram_write_bytes},
          {"sram_read_bytes", t.sram_read_bytes},
          {"sram_write_bytes", t.sram_write_bytes},
          {"bound", timing::bound_name(t.bound)}};
}

void print_json(const Options& options, const hw::DeviceProfile& device, const std::vector<ProgramOp>& ops,
                const timing::Timeline& timeline) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (size_t i = 0; i < ops.size(); ++i) {
    list.push_back(op_json(ops[i], timeline.ops[i]));
  }
  const nlohmann::ordered_json root = {{"trace", options.path},
                                       {"device", device.name},
                                       {"memory", options.memory.empty() ? "profile" : options.memory},
                                       {"clock", "modelled"},
                                       {"total_cycles", timeline.total_cycles},
                                       {"operations", list}};
  fmt::print("{}\n", root.dump(2));
}

void print_text(const Options& options, const hw::DeviceProfile& device, const std::vector<ProgramOp>& ops,
                const timing::Timeline& timeline) {
  fmt::print("{}: modelled cycles on {}, memory {}\n", options.path, device.name,
             options.memory.empty() ? "of the profile" : options.memory);
  fmt::print("{:>5} {:<9} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12} {:>12}  {}\n", "line", "operation",
             "begin", "end", "cycles", "load", "busy", "read bytes", "write bytes", "bound by");
  for (size_t i = 0; i < ops.size(); ++i) {
    const TimedOp& timed = timeline.ops[i];
    const timing::OpTime& t = timed.time;
    fmt::print("{:>5} {:<9} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12} {:>12}  {}\n", ops[i].line,
               timing::kind_name(ops[i].snapshot), timed.begin, timed.end, t.cycles, t.load_cycles,
               std::max(t.mac_cycles, t.sdp_cycles), t.dram_read_bytes + t.sram_read_bytes,
               t.dram_write_bytes + t.sram_write_bytes, timing::bound_name(t.bound));
  }
  fmt::print("total {} modelled cycles\n", timeline.total_cycles);
}

Status run(const Options& options) {
  MEDLAR_ASSIGN(const hw::DeviceProfile* const device, hw::find_device(options.device));
  MEDLAR_ASSIGN(const Machine machine, machine_of(options, *device));
  MEDLAR_ASSIGN(const std::filesystem::path file, trace_file(options.path));
  MEDLAR_ASSIGN(const std::string text, read_text_file(file));
  auto ops = timing::parse_program(text, *device->config);
  if (!ops) {
    return tl::unexpected<Error>(std::move(ops).error().in(file.string()));
  }
  const timing::Timeline timeline = timing::timeline_of(*ops, *device->config, machine);
  if (options.json) {
    print_json(options, *device, *ops, timeline);
  } else {
    print_text(options, *device, *ops, timeline);
  }
  return {};
}

}  // namespace

Action add_trace_time(CLI::App& trace) {
  CLI::App* command =
      trace.add_subcommand("time", "Modelled cycles of every operation in a trace (input.txn, .cfg)");
  const auto options = std::make_shared<Options>();
  command->add_option("trace", options->path, "Trace file, or the folder that holds one")->required();
  command->add_option("--device", options->device, "Device profile")->capture_default_str();
  command->add_option("--memory", options->memory,
                      "Memory system instead of the profile's: nvidia-axi (NVIDIA's test bench) or "
                      "timed-lat<cycles>-<bytes>B "
                      "(timed-lat64-64B, timed-lat100-10B, timed-lat400-64B)");
  command->add_flag("--json", options->json, "Print JSON");
  return [options] { return run(*options); };
}

}  // namespace medlar::tools
