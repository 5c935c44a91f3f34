// SPDX-License-Identifier: Apache-2.0
// The chip: registers in, memory and interrupts out. Executes one operation (a register group, or an on-the-fly chain
// such as CONV+SDP+PDP) at a time, bit-exactly; time is not its business (see timing/).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "chip/memory/memory_port.hpp"
#include "chip/tracer.hpp"
#include "hw/config.hpp"
#include "hw/gen/registers.hpp"

namespace medlar::chip {

/// One executed operation, for timing, tracing and profiles: the blocks that took part and their decoded words.
struct ExecutedOp {
  struct Unit {
    hw::Block block;
    int group;                    ///< Ping-pong register group, 0 or 1.
    std::vector<uint32_t> words;  ///< The group's register file, indexed by offset / 4.
  };
  std::vector<Unit> units;  ///< Pipeline order, e.g. CDMA, CSC, CMAC_A, CMAC_B, CACC, SDP_RDMA, SDP.
};
using OpObserver = std::function<void(const ExecutedOp&)>;

/// Not thread-safe: one owner drives registers and step(). Deterministic.
class Chip {
 public:
  /// `config` and `memory` must outlive the chip. `isa` names the vector unit to compute with (chip_target.hpp); empty:
  /// what MEDLAR_CHIP_ISA says, else the best. An unknown name is an error of every register access.
  Chip(const hw::HwConfig& config, MemoryPort& memory, std::string_view isa = {});
  ~Chip();
  Chip(const Chip&) = delete;
  Chip& operator=(const Chip&) = delete;

  /// CSB access, absolute byte address in the configuration's register map. Errors (kFault) name block, register
  /// and value: unmapped address, reserved bit set, write to a read-only register, write to a busy group.
  Result<uint32_t> read_register(uint32_t address);
  Status write_register(uint32_t address, uint32_t value);

  /// Executes the oldest operation whose units are all enabled. True if one ran, false if none is ready.
  /// An error names block, register and value; the operation is dropped and the chip needs reset().
  Result<bool> step();

  /// Level of the interrupt line: some unmasked bit of GLB.S_INTR_STATUS is set.
  bool interrupt() const;

  /// Power-on state.
  void reset();

  /// Called after each executed operation; empty to remove.
  void set_observer(OpObserver observer);

  /// Tells `tracer` of every bus access and every byte that operations see or fill, from now on; null to stop. It must
  /// outlive its use. Without one, nothing of it is on the way: the code is compiled both ways.
  void set_tracer(Tracer* tracer);

  const hw::HwConfig& config() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medlar::chip
