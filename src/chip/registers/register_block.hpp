// SPDX-License-Identifier: Apache-2.0
// The registers of one sub-unit: two ping-pong groups behind one address, producer and consumer pointer, status.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "hw/gen/registers.hpp"

namespace medlar::chip {

class RegisterBlock {
 public:
  RegisterBlock(hw::Block block, hw::RegisterMap map);

  void reset();
  uint32_t read(const hw::RegisterInfo& info) const;
  /// Checks access, reserved bits and busy groups. `sequence` orders operation enables of the whole chip.
  Status write(const hw::RegisterInfo& info, uint32_t value, uint64_t sequence);

  /// Some group is enabled.
  bool busy() const { return busy(0) || busy(1); }
  /// The consumer group is enabled.
  bool ready() const { return enabled_[static_cast<size_t>(consumer_)] != 0; }
  int consumer() const { return consumer_; }
  /// When the consumer group was enabled.
  uint64_t enabled_at() const { return enabled_[static_cast<size_t>(consumer_)]; }
  /// The consumer group's registers, indexed by offset / 4.
  const std::vector<uint32_t>& words() const { return words_[static_cast<size_t>(consumer_)]; }
  /// Words of the registers without groups.
  const std::vector<uint32_t>& shared_words() const { return words_[0]; }
  /// The consumer group is done: clears its enable and moves the pointer on.
  void retire();
  /// Sets a status register of the consumer group.
  void report(std::string_view name, uint32_t value);
  /// Sets a register without groups, whatever its access.
  void set_shared(uint32_t offset, uint32_t value);

  hw::Block block() const { return block_; }

 private:
  bool busy(int group) const { return enabled_[static_cast<size_t>(group)] != 0; }
  uint32_t status_word() const;
  uint32_t status_of(int group) const;

  hw::Block block_;
  hw::RegisterMap map_;
  std::array<std::vector<uint32_t>, 2> words_;
  std::array<uint64_t, 2> enabled_{};  ///< Sequence number of the enable; 0: not enabled.
  int producer_ = 0;
  int consumer_ = 0;
};

}  // namespace medlar::chip
