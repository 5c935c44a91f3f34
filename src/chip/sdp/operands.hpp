// SPDX-License-Identifier: Apache-2.0
// Operands of one SDP stage, resolved to one value a lane: from registers, one a channel, or one an element.
#pragma once

#include <memory>

#include "chip/sdp/plan.hpp"
#include "chip/sdp/target.hpp"

namespace medlar::chip {

class SdpOperandFeed {
 public:
  enum class Kind : uint8_t { kX, kY };

  /// The references must outlive the object.
  SdpOperandFeed(Kind kind, const SdpStage& stage, const SdpOperandSource& source, const SdpPlan& plan,
                 const SdpTarget& target);

  /// Operands that hold for a whole surface, one atom of `bytes`; ignored unless they come one a channel.
  /// `span`: lanes over which they are repeated.
  void start_surface(const uint8_t* bytes, size_t span);
  /// Operands of `lanes` lanes, packed in `bytes`; ignored unless they come one an element.
  void load(const uint8_t* bytes, size_t lanes);

  /// Of a stage that is on.
  const SdpOperands& operands() const { return *operands_; }

 private:
  void unpack(const uint8_t* bytes, size_t lanes);
  void prepare(size_t lanes);
  void fill_registers();

  Kind kind_;
  const SdpStage* stage_;
  const SdpOperandSource* source_;
  const SdpPlan* plan_;
  const SdpTarget* target_;
  std::unique_ptr<SdpOperands> operands_;  ///< Null when the stage is off.
};

}  // namespace medlar::chip
