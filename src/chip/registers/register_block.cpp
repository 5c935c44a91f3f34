// SPDX-License-Identifier: Apache-2.0
// The registers of one sub-unit.
#include "chip/registers/register_block.hpp"

namespace medlar::chip {
namespace {

constexpr uint32_t kStatusOffset = 0x0;   // S_STATUS and S_POINTER open every block that has groups.
constexpr uint32_t kPointerOffset = 0x4;
constexpr std::string_view kEnable = "D_OP_ENABLE";

}  // namespace

RegisterBlock::RegisterBlock(hw::Block block, hw::RegisterMap map) : block_(block), map_(map) {
  const auto registers = hw::block_registers(block, map);
  const size_t count = registers.empty() ? 0 : registers.back().offset / 4 + 1;
  words_[0].resize(count);
  words_[1].resize(count);
  reset();
}

void RegisterBlock::reset() {
  for (std::vector<uint32_t>& words : words_) {
    words.assign(words.size(), 0);
    hw::reset_words(block_, map_, words);
  }
  enabled_ = {};
  producer_ = 0;
  consumer_ = 0;
}

uint32_t RegisterBlock::status_of(int group) const {
  if (!busy(group)) {
    return hw::value::kGroupStatusIdle;
  }
  return group == consumer_ ? hw::value::kGroupStatusRunning : hw::value::kGroupStatusPending;
}

uint32_t RegisterBlock::status_word() const { return status_of(0) | status_of(1) << 16; }

uint32_t RegisterBlock::read(const hw::RegisterInfo& info) const {
  if (info.name == "S_STATUS" && info.offset == kStatusOffset) {
    return status_word();
  }
  if (info.name == "S_POINTER" && info.offset == kPointerOffset) {
    return static_cast<uint32_t>(producer_) | static_cast<uint32_t>(consumer_) << 16;
  }
  return words_[info.grouped ? static_cast<size_t>(producer_) : 0][info.offset / 4];
}

Status RegisterBlock::write(const hw::RegisterInfo& info, uint32_t value, uint64_t sequence) {
  if (info.access == hw::Access::kReadOnly && value == read(info)) {
    return {};  // Register dumps written back as a whole ask for nothing.
  }
  if (info.access == hw::Access::kReadOnly) {
    return fail(Code::kFault, "{}.{}: write of {:#x} to a read-only register", hw::block_name(block_), info.name, value);
  }
  if ((value & ~info.writable_mask) != 0) {
    return fail(Code::kFault, "{}.{}: value {:#x} sets reserved bits {:#x}", hw::block_name(block_), info.name, value,
                value & ~info.writable_mask);
  }
  if (info.name == "S_POINTER" && info.offset == kPointerOffset) {
    producer_ = static_cast<int>(value & 1);
    return {};
  }
  if (!info.grouped) {
    set_shared(info.offset, value);
    return {};
  }
  if (busy(producer_)) {
    return fail(Code::kFault, "{}.{}: write of {:#x} to group {}, which is busy", hw::block_name(block_), info.name, value,
                producer_);
  }
  words_[static_cast<size_t>(producer_)][info.offset / 4] = value;
  if (info.name == kEnable && (value & 1) != 0) {
    enabled_[static_cast<size_t>(producer_)] = sequence;
  }
  return {};
}

void RegisterBlock::retire() {
  report(kEnable, 0);
  enabled_[static_cast<size_t>(consumer_)] = 0;
  consumer_ = 1 - consumer_;
}

void RegisterBlock::report(std::string_view name, uint32_t value) {
  for (const hw::RegisterInfo& info : hw::block_registers(block_, map_)) {
    if (info.name == name) {
      words_[static_cast<size_t>(consumer_)][info.offset / 4] = value;
      return;
    }
  }
}

void RegisterBlock::set_shared(uint32_t offset, uint32_t value) {
  words_[0][offset / 4] = value;
  words_[1][offset / 4] = value;
}

}  // namespace medlar::chip
