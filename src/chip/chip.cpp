// SPDX-License-Identifier: Apache-2.0
// The chip's register side: addresses, GLB, tables, BDMA's queue.
#include "chip/chip.hpp"

#include "chip/state.hpp"

#include <algorithm>

namespace medlar::chip {
namespace {

using hw::Block;

/// Units that a configuration may lack.
bool present(const hw::HwConfig& config, Block block) {
  switch (block) {
    case Block::kBdma:
      return config.bdma;
    case Block::kRubik:
      return config.rubik;
    case Block::kPdp:
    case Block::kPdpRdma:
      return config.pdp;
    case Block::kCdp:
    case Block::kCdpRdma:
      return config.cdp;
    case Block::kCvif:
      return config.sram;
    default:
      return true;
  }
}

/// Nothing watches: every call vanishes.
struct Untraced {
  static constexpr bool kOn = false;
  void wrote(uint32_t, uint32_t, bool) const {}
  void read(uint32_t, uint32_t) const {}
  void executed() const {}
  static MemoryPort& port(MemoryPort& memory) { return memory; }
};

struct Traced {
  static constexpr bool kOn = true;
  Tracer& tracer;
  void wrote(uint32_t address, uint32_t value, bool idle) const { tracer.wrote(address, value, idle); }
  void read(uint32_t address, uint32_t value) const { tracer.read(address, value); }
  void executed() const { tracer.executed(); }
  TracedPort port(MemoryPort& memory) const { return {memory, tracer}; }
};

}  // namespace

Chip::State::State(const hw::HwConfig& config_, MemoryPort& memory_, std::string_view isa)
    : config(config_), memory(memory_), port(&memory_), target(find_chip_target(isa)),
      conv(config_, target ? **target : chip_targets().front()) {
  for (const Block block : hw::kBlocks) {
    blocks.emplace_back(block, config.register_map);
    const auto base = hw::block_base(block, config.register_map);
    for (const hw::RegisterInfo& info : hw::block_registers(block, config.register_map)) {
      const size_t index = base ? (*base + info.offset) / 4 : 0;
      if (base && present(config, block)) {
        addresses.resize(std::max(addresses.size(), index + 1));
        addresses[index] = hw::RegisterRef{block, &info, *base + info.offset};
      }
    }
  }
  reset();
}

void Chip::State::reset() {
  for (RegisterBlock& block : blocks) {
    block.reset();
  }
  const size_t rom_words = at(Block::kCfgrom).shared_words().size();
  for (size_t i = 0; i < config.cfgrom.size() && i < rom_words; ++i) {
    at(Block::kCfgrom).set_shared(static_cast<uint32_t>(i * 4), config.cfgrom[i]);
  }
  conv.reset();
  sdp_lut.reset();
  cdp_lut.reset();
  bdma = {};
  interrupts.reset();
  current = {};
  sequence = 0;
  cbuf_flushed = false;
  failed = false;
}

Result<hw::RegisterRef> Chip::State::find(uint32_t address) const {
  if (!target) {
    return tl::unexpected<Error>(target.error());
  }
  if (address % 4 == 0 && address / 4 < addresses.size() && addresses[address / 4]) {
    return *addresses[address / 4];
  }
  const auto ref = hw::find_register(address, config.register_map);
  if (!ref) {
    return fail(Code::kFault, "address {:#x}: no register of {}", address, config.name);
  }
  if (!present(config, ref->block)) {
    return fail(Code::kFault, "{}.{}: {} has no such unit", hw::block_name(ref->block), ref->info->name,
                config.name);
  }
  return *ref;
}

Result<uint32_t> Chip::State::read_special(const hw::RegisterRef& ref, bool& handled) {
  handled = true;
  const std::string_view name = ref.info->name;
  if (ref.block == Block::kGlb && name == "S_INTR_STATUS") {
    return interrupts.status();
  }
  if (ref.block == Block::kGlb && name == "S_INTR_MASK") {
    return interrupts.mask();
  }
  if (ref.block == Block::kBdma && name == "STATUS") {
    return bdma.status();
  }
  if (ref.block == Block::kCdma && name == "S_CBUF_FLUSH_STATUS") {
    const bool flushed = cbuf_flushed;
    cbuf_flushed = true;
    return flushed ? 1u : 0u;
  }
  if (name == "S_LUT_ACCESS_DATA") {
    return (ref.block == Block::kSdp ? sdp_lut : cdp_lut).read(ref.block);
  }
  handled = false;
  return 0u;
}

Status Chip::State::write_special(const hw::RegisterRef& ref, uint32_t value, bool& handled) {
  handled = true;
  const std::string_view name = ref.info->name;
  if (ref.block == Block::kGlb && name == "S_INTR_STATUS") {
    interrupts.clear(value);
  } else if (ref.block == Block::kGlb && name == "S_INTR_SET") {
    interrupts.set(value);
  } else if (ref.block == Block::kGlb && name == "S_INTR_MASK") {
    interrupts.set_mask(value);
  } else if (name == "S_LUT_ACCESS_CFG") {
    (ref.block == Block::kSdp ? sdp_lut : cdp_lut).configure(value);
    at(ref.block).set_shared(ref.info->offset, value);
  } else if (name == "S_LUT_ACCESS_DATA") {
    return (ref.block == Block::kSdp ? sdp_lut : cdp_lut).write(ref.block, value);
  } else if (ref.block == Block::kBdma && name == "CFG_OP" && value == 1) {
    at(ref.block).set_shared(ref.info->offset, value);
    return bdma.push(at(Block::kBdma).shared_words());
  } else if (ref.block == Block::kBdma && name.starts_with("CFG_LAUNCH") && value == 1) {
    at(ref.block).set_shared(ref.info->offset, value);
    return bdma.launch(name.back() - '0', ++sequence);
  } else {
    handled = false;
  }
  return {};
}

template <typename Trace>
Result<uint32_t> Chip::State::read_register(uint32_t address, Trace trace) {
  MEDLAR_ASSIGN(const hw::RegisterRef ref, find(address));
  if (ref.info->access == hw::Access::kWriteOnly) {
    return fail(Code::kFault, "{}.{}: read of a write-only register", hw::block_name(ref.block),
                ref.info->name);
  }
  bool handled = false;
  MEDLAR_ASSIGN(uint32_t value, read_special(ref, handled));
  value = handled ? value : at(ref.block).read(*ref.info);
  trace.read(address, value);
  return value;
}

template <typename Trace>
Status Chip::State::write_register(uint32_t address, uint32_t value, Trace trace) {
  MEDLAR_ASSIGN(const hw::RegisterRef ref, find(address));
  const hw::RegisterInfo& info = *ref.info;
  if (info.access != hw::Access::kReadOnly && (value & ~info.writable_mask) != 0) {
    return fail(Code::kFault, "{}.{}: value {:#x} sets reserved bits {:#x}", hw::block_name(ref.block),
                info.name, value, value & ~info.writable_mask);
  }
  const bool was_idle = Trace::kOn && idle();
  bool handled = false;
  MEDLAR_TRY(write_special(ref, value, handled));
  if (!handled) {
    MEDLAR_TRY(at(ref.block).write(info, value, ++sequence));
  }
  trace.wrote(address, value, was_idle);
  return {};
}

template <typename Trace>
Result<bool> Chip::State::step(Trace trace) {
  if (failed) {
    return fail(Code::kFault, "chip: an operation failed before; only reset() helps");
  }
  const auto ready = find_ready();
  if (!ready) {
    return false;
  }
  current = {};
  auto&& seen = trace.port(memory);
  port = &seen;
  if (Status done = execute(*ready); !done) {
    failed = true;
    return tl::unexpected<Error>(std::move(done).error());
  }
  trace.executed();
  finish();
  return true;
}

bool Chip::State::idle() const {
  const bool busy =
      std::any_of(blocks.begin(), blocks.end(), [](const RegisterBlock& block) { return block.busy(); });
  return !busy && bdma.front() == nullptr;
}

Chip::Chip(const hw::HwConfig& config, MemoryPort& memory, std::string_view isa)
    : state_(std::make_unique<State>(config, memory, isa)) {}
Chip::~Chip() = default;

Result<uint32_t> Chip::read_register(uint32_t address) {
  Tracer* const tracer = state_->tracer;
  return tracer == nullptr ? state_->read_register(address, Untraced())
                           : state_->read_register(address, Traced{*tracer});
}

Status Chip::write_register(uint32_t address, uint32_t value) {
  Tracer* const tracer = state_->tracer;
  return tracer == nullptr ? state_->write_register(address, value, Untraced())
                           : state_->write_register(address, value, Traced{*tracer});
}

Result<bool> Chip::step() {
  Tracer* const tracer = state_->tracer;
  return tracer == nullptr ? state_->step(Untraced()) : state_->step(Traced{*tracer});
}

bool Chip::interrupt() const {
  return state_->interrupts.line();
}
void Chip::reset() {
  state_->reset();
}
void Chip::set_tracer(Tracer* tracer) {
  state_->tracer = tracer;
}
void Chip::set_observer(OpObserver observer) {
  state_->observer = std::move(observer);
}
const hw::HwConfig& Chip::config() const {
  return state_->config;
}

}  // namespace medlar::chip
