// SPDX-License-Identifier: Apache-2.0
// BDMA: a queue of copy descriptors, launched in two groups.
#pragma once

#include <array>
#include <deque>
#include <vector>

#include "base/status.hpp"
#include "chip/memory/memory_port.hpp"
#include "hw/gen/registers.hpp"

namespace medlar::chip {

/// Copies one descriptor: lines of surfaces.
Status run_bdma_copy(const hw::BdmaGroup& descriptor, MemoryPort& memory);

/// Descriptors between CFG_OP and their execution.
class BdmaQueue {
 public:
  static constexpr size_t kSlots = 20;

  struct Launch {
    int group = 0;
    uint64_t sequence = 0;
    std::vector<std::vector<uint32_t>> descriptors;  ///< Register words at CFG_OP.
  };

  Status push(std::vector<uint32_t> words);
  /// Hands the descriptors pushed since the last launch to `group`.
  Status launch(int group, uint64_t sequence);

  const Launch* front() const { return launches_.empty() ? nullptr : &launches_.front(); }
  void pop() { launches_.pop_front(); }
  /// The STATUS register.
  uint32_t status() const;

 private:
  size_t used_slots() const;

  std::vector<std::vector<uint32_t>> pending_;
  std::deque<Launch> launches_;
};

}  // namespace medlar::chip
