// SPDX-License-Identifier: Apache-2.0
// What passes the chip's two seams, register bus and memory ports, in the order in which it happens. The
// units know nothing of it: Chip instantiates its bus accesses and its port once with a tracer and once
// without.
#pragma once

#include "base/bytes.hpp"
#include "chip/memory/memory_port.hpp"

#include <cstdint>

namespace medlar::chip {

/// Calls come from the thread that drives the chip.
class Tracer {
 public:
  virtual ~Tracer() = default;

  /// A register write that the chip took. `idle`: no operation was enabled before it.
  virtual void wrote(uint32_t address, uint32_t value, bool idle) = 0;
  /// A register read and its answer.
  virtual void read(uint32_t address, uint32_t value) = 0;
  /// Memory that the running operation sees, as it is now.
  virtual void fetched(Ram ram, uint64_t address, ByteView bytes) = 0;
  /// Memory that the running operation fills in place; `bytes` hold the result when executed() comes.
  virtual void opened(Ram ram, uint64_t address, ByteView bytes) = 0;
  /// Memory that the running operation has written.
  virtual void stored(Ram ram, uint64_t address, ByteView bytes) = 0;
  /// The operation has ended.
  virtual void executed() = 0;
};

/// The memory port with a tracer in between.
class TracedPort final : public MemoryPort {
 public:
  TracedPort(MemoryPort& inner, Tracer& tracer) : inner_(inner), tracer_(tracer) {}

  std::span<uint8_t> view(Ram ram, uint64_t address, uint64_t size, Access access) override;
  Status read(Ram ram, uint64_t address, std::span<uint8_t> out) override;
  Status write(Ram ram, uint64_t address, ByteView in) override;

 private:
  MemoryPort& inner_;
  Tracer& tracer_;
};

}  // namespace medlar::chip
