// SPDX-License-Identifier: Apache-2.0
// The DMA ports of a chip or another engine, through the SMMU to DRAM and SRAM.
#pragma once

#include "chip/memory/memory_port.hpp"
#include "soc/smmu.hpp"

#include <atomic>

namespace medlar::soc {

/// Bytes that an engine moved over its port; a direct view counts as moved once.
struct Traffic {
  uint64_t read = 0, written = 0;
};

/// One an engine. The port's RAM type must match where the page lies: a DRAM access to an SRAM page is a
/// translation fault, as is the reverse (the two buses reach different memories).
class SocMemoryPort final : public chip::MemoryPort {
 public:
  SocMemoryPort(Memory& memory, Smmu& smmu, StreamId stream)
      : memory_(memory), smmu_(smmu), stream_(stream) {}

  std::span<uint8_t> view(chip::Ram ram, uint64_t address, uint64_t size, chip::Access access) override;
  Status read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) override;
  Status write(chip::Ram ram, uint64_t address, std::span<const uint8_t> in) override;

  StreamId stream() const { return stream_; }
  Traffic traffic() const { return {read_bytes_, written_bytes_}; }

 private:
  struct Request {
    chip::Ram ram;
    uint64_t address;
    uint64_t size;
    Direction direction;
  };
  /// The longest start of the request that is contiguous in host memory; empty when its first byte faults.
  std::span<uint8_t> piece(const Request& request);
  /// piece() of an access that happens: records the fault.
  std::span<uint8_t> access(const Request& request);
  void book(Direction direction, uint64_t bytes);

  Memory& memory_;
  Smmu& smmu_;
  StreamId stream_;
  std::atomic<uint64_t> read_bytes_{0}, written_bytes_{0};
};

}  // namespace medlar::soc
