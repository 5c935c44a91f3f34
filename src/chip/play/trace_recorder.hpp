// SPDX-License-Identifier: Apache-2.0
// Records what passes a chip as a trace in NVIDIA's first form (input.txn), which play_trace plays and
// checks.
#pragma once

#include "chip/play/shadow_memory.hpp"
#include "chip/tracer.hpp"
#include "hw/config.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace medlar::chip {

/// A trace is a row of sections. A section begins whenever the chip is idle: it loads the memory that its
/// operations will see and that the trace has not produced itself, writes and reads the registers, waits for
/// interrupts where the driver took one, and compares all memory that its operations wrote.
class TraceRecorder final : public Tracer {
 public:
  /// `config` must outlive the recorder.
  explicit TraceRecorder(const hw::HwConfig& config);

  void wrote(uint32_t address, uint32_t value, bool idle) override;
  void read(uint32_t address, uint32_t value) override;
  void fetched(Ram ram, uint64_t address, ByteView bytes) override;
  void opened(Ram ram, uint64_t address, ByteView bytes) override;
  void stored(Ram ram, uint64_t address, ByteView bytes) override;
  void executed() override;

  uint64_t operations() const { return operations_; }

  /// Writes input.txn and its memory files; creates the folder. Errors: nothing ran, or memory outside of the
  /// two windows that the form can address (SRAM 0x50000000-0x7fffffff, DRAM 0x80000000-0xffffffff).
  Status write(const std::filesystem::path& folder);

 private:
  struct Section {
    ShadowMemory::Section memory;
    std::vector<std::string> commands;
  };
  struct Opened {
    Ram ram;
    uint64_t address;
    ByteView bytes;
  };

  void end_section();
  std::string comment(uint32_t address) const;
  Status write_memory(const MemoryRun& run, const std::string& command, const std::filesystem::path& folder,
                      std::string& text);

  const hw::HwConfig& config_;
  uint32_t status_address_;  ///< GLB.S_INTR_STATUS.
  ShadowMemory shadow_;
  std::vector<Section> sections_;
  std::vector<std::string> commands_;  ///< Of the section that is open.
  std::vector<Opened> opened_;         ///< By the running operation.
  uint64_t operations_ = 0;
  bool ran_ = false;  ///< In the section that is open.
  size_t files_ = 0;
};

}  // namespace medlar::chip
