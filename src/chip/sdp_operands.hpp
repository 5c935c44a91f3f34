// SPDX-License-Identifier: Apache-2.0
// Operands of one SDP stage, resolved to one value a lane: from registers, one a channel, or one an element.
#pragma once

#include <memory>

#include "chip/dma.hpp"
#include "chip/sdp_plan.hpp"

namespace medlar::chip {

class SdpOperandFeed {
 public:
  enum class Kind : uint8_t { kX, kY };

  SdpOperandFeed(Kind kind, const SdpStage& stage, const SdpOperandSource& source, const SdpPlan& plan, MemoryPort& port);

  /// Operands that hold for a whole surface: those of registers and of channels.
  Status start_surface(int surface);
  /// Operands of `atoms` atoms of line y from column x on. Unchanged where they do not depend on the position.
  Status load(int surface, int y, int x, int atoms);

  const SdpOperands& operands() const { return *operands_; }

 private:
  void unpack(std::span<const uint8_t> bytes, size_t lanes);
  void prepare(size_t lanes);
  void fill_registers();

  Kind kind_;
  const SdpStage* stage_;
  const SdpOperandSource* source_;
  const SdpPlan* plan_;
  DmaReader reader_;
  std::unique_ptr<SdpOperands> operands_;
};

}  // namespace medlar::chip
