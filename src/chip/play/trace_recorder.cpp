// SPDX-License-Identifier: Apache-2.0
// The text form of a recorded trace.
#include "chip/play/trace_recorder.hpp"

#include "base/files.hpp"
#include "chip/play/trace_data.hpp"
#include "chip/play/unit_interrupt.hpp"
#include "hw/gen/registers.hpp"

#include <utility>

#include <fmt/format.h>

namespace medlar::chip {
namespace {

constexpr uint32_t kSideBand = 0xffff0000;  // privileged, non-posted, all byte lanes

uint32_t bus_address(uint32_t byte_address) {
  return kSideBand | byte_address >> 2;
}

}  // namespace

TraceRecorder::TraceRecorder(const hw::HwConfig& config)
    : config_(config), status_address_(interrupt_status_address(config).value_or(0)) {}

std::string TraceRecorder::comment(uint32_t address) const {
  const auto found = hw::find_register(address, config_.register_map);
  return found ? fmt::format("# {}.{}", hw::block_name(found->block), found->info->name) : std::string();
}

void TraceRecorder::wrote(uint32_t address, uint32_t value, bool idle) {
  if (idle && ran_) {
    end_section();
  }
  commands_.push_back(fmt::format("write_reg {:#x} {:#x} {}", bus_address(address), value, comment(address)));
}

void TraceRecorder::read(uint32_t address, uint32_t value) {
  if (address == status_address_ && value != 0) {
    commands_.emplace_back("wait");
  }
  commands_.push_back(
      fmt::format("read_reg {:#x} 0xffffffff {:#x} {}", bus_address(address), value, comment(address)));
}

void TraceRecorder::fetched(Ram ram, uint64_t address, ByteView bytes) {
  shadow_.saw(ram, address, bytes);
}

void TraceRecorder::opened(Ram ram, uint64_t address, ByteView bytes) {
  shadow_.reserve(ram, address, bytes.size());
  opened_.push_back({ram, address, bytes});
}

void TraceRecorder::stored(Ram ram, uint64_t address, ByteView bytes) {
  shadow_.filled(ram, address, bytes);
}

void TraceRecorder::executed() {
  for (const Opened& range : opened_) {
    shadow_.filled(range.ram, range.address, range.bytes);
  }
  opened_.clear();
  ++operations_;
  ran_ = true;
}

void TraceRecorder::end_section() {
  sections_.push_back({shadow_.take_section(), std::exchange(commands_, {})});
  ran_ = false;
}

Status TraceRecorder::write_memory(const MemoryRun& run, const std::string& command,
                                   const std::filesystem::path& folder, std::string& text) {
  MEDLAR_TRY(check_trace_window(run.ram, run.address, run.bytes.size()));
  const std::string file = fmt::format("{}_{:04}_{:08x}.dat", command, files_++, run.address);
  text += fmt::format("{} {:#x} {:#x} {}\n", command, run.address, run.bytes.size(), file);
  return write_file(folder / file, as_bytes_view(byte_lines(run.bytes)));
}

Status TraceRecorder::write(const std::filesystem::path& folder) {
  end_section();
  if (operations_ == 0) {
    return fail(Code::kNotFound, "{}: no operation ran on the chip, there is nothing to record",
                folder.string());
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(Code::kIo, "{}: cannot create: {}", folder.string(), error.message());
  }
  std::string text = fmt::format("{}{}\n", kTraceConfigComment, config_.name);
  for (const Section& section : sections_) {
    for (const MemoryRun& run : section.memory.loads) {
      MEDLAR_TRY(write_memory(run, "load_mem", folder, text));
    }
    for (const std::string& command : section.commands) {
      text += command + "\n";
    }
    for (const MemoryRun& run : section.memory.results) {
      MEDLAR_TRY(write_memory(run, "dump_mem", folder, text));
    }
  }
  return write_file(folder / "input.txn", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

}  // namespace medlar::chip
