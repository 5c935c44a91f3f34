// SPDX-License-Identifier: Apache-2.0
// Reference cases for the convolution core alone: an archive of cases, flat memory, and the little of SDP that a
// pass-through case needs (output converter, FP32 to FP16).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "chip/conv/conv.hpp"
#include "chip/memory/memory_port.hpp"
#include "hw/config.hpp"

namespace medlar::test {

using Bytes = std::vector<uint8_t>;

/// All files of a .tar.xz by path.
std::map<std::string, Bytes> read_archive(const std::filesystem::path& path);

/// Blocks of memory at fixed addresses; whatever lies between them faults.
class BlockMemory final : public chip::MemoryPort {
 public:
  void add(chip::Ram ram, uint64_t address, Bytes bytes) { blocks_[{ram, address}] = std::move(bytes); }
  std::span<uint8_t> view(chip::Ram ram, uint64_t address, uint64_t size, chip::Access access) override;
  Status read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) override;
  Status write(chip::Ram ram, uint64_t address, std::span<const uint8_t> in) override;
  bool allow_views = true;

 private:
  std::map<std::pair<chip::Ram, uint64_t>, Bytes> blocks_;
};

/// One convolution of a case with the SDP group that goes with it.
struct ConvOperation {
  chip::ConvRegisters conv;
  hw::SdpGroup sdp;
};

struct ConvCase {
  std::string name;
  nlohmann::json json;
  const hw::HwConfig* config = nullptr;
  BlockMemory memory;
  std::vector<ConvOperation> operations;
};

/// The cases of an archive, by name.
std::vector<ConvCase> load_cases(const std::filesystem::path& archive);

/// The convolutions that one of NVIDIA's traces (.cfg or input.txn) programs.
std::vector<ConvOperation> trace_operations(const std::string& text, hw::RegisterMap map);

/// True when SDP does nothing but convert.
bool passes_through(const hw::SdpGroup& sdp);

/// Runs the operations of a case on `core` and compares every element that its output cubes hold.
/// Empty when equal, otherwise what differs first.
std::string run_case(ConvCase& test, chip::ConvCore& core);

}  // namespace medlar::test
