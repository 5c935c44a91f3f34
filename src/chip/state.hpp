// SPDX-License-Identifier: Apache-2.0
// What a Chip holds: register blocks, tables, queue, interrupts, and the units that keep something between operations.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "chip/bdma/bdma.hpp"
#include "chip/chip.hpp"
#include "chip/chip_target.hpp"
#include "chip/conv/conv.hpp"
#include "chip/registers/interrupts.hpp"
#include "chip/registers/lut_memory.hpp"
#include "chip/registers/register_block.hpp"
#include "chip/tracer.hpp"

namespace medlar::chip {

/// An operation that is ready: which engine starts it, what else takes part, since when.
struct ReadyOperation {
  enum class Kind : uint8_t { kSdp, kPdp, kCdp, kRubik, kBdma };
  Kind kind = Kind::kSdp;
  bool conv = false;      ///< kSdp: the convolution core feeds it.
  bool rdma = false;      ///< kSdp: SDP_RDMA takes part.
  bool to_pdp = false;    ///< kSdp: PDP takes the result.
  uint64_t since = 0;     ///< Sequence number of its last enable.
};

struct Chip::State {
  State(const hw::HwConfig& config_, MemoryPort& memory_, std::string_view isa);

  void reset();
  RegisterBlock& at(hw::Block block) { return blocks[static_cast<size_t>(block)]; }
  const RegisterBlock& at(hw::Block block) const { return blocks[static_cast<size_t>(block)]; }

  Result<uint32_t> read_special(const hw::RegisterRef& ref, bool& handled);
  Status write_special(const hw::RegisterRef& ref, uint32_t value, bool& handled);
  /// The address's register; the error names what is missing.
  Result<hw::RegisterRef> find(uint32_t address) const;

  /// The accesses of the bus and the next operation, compiled once with a tracer and once without (chip.cpp).
  template <typename Trace>
  Result<uint32_t> read_register(uint32_t address, Trace trace);
  template <typename Trace>
  Status write_register(uint32_t address, uint32_t value, Trace trace);
  template <typename Trace>
  Result<bool> step(Trace trace);
  /// No operation is enabled.
  bool idle() const;

  std::optional<ReadyOperation> find_ready() const;
  std::optional<ReadyOperation> ready_sdp() const;
  std::optional<ReadyOperation> ready_pdp() const;

  Status execute(const ReadyOperation& operation);
  Status execute_sdp(const ReadyOperation& operation);
  Status execute_pdp();
  Status execute_cdp();
  Status execute_rubik();
  Status execute_bdma();
  Result<AccFeed> start_conv();
  void finish_conv();

  void take_part(hw::Block block);
  /// Retires every block that took part, then tells the observer.
  void finish();

  const hw::HwConfig& config;
  std::vector<std::optional<hw::RegisterRef>> addresses;  ///< By address / 4; what the configuration lacks is absent.
  MemoryPort& memory;
  MemoryPort* port;           ///< What the units see: the memory, with the tracer in between where there is one.
  Tracer* tracer = nullptr;
  std::vector<RegisterBlock> blocks;
  Result<const ChipTarget*> target;  ///< An error that every access repeats, when the wanted one is unknown.
  ConvCore conv;
  LutMemory sdp_lut;
  LutMemory cdp_lut;
  BdmaQueue bdma;
  Interrupts interrupts;
  OpObserver observer;
  ExecutedOp current;         ///< Being executed.
  uint64_t sequence = 0;      ///< Counts operation enables and launches.
  bool cbuf_flushed = false;  ///< Reset starts a flush of CBUF; the first look at its status finds it running.
  bool failed = false;        ///< An operation failed; only reset() helps.
};

}  // namespace medlar::chip
