// SPDX-License-Identifier: Apache-2.0
// One line of SDP's cube: input and operand bytes in, output bytes out. Holds no memory port, so lines can run on
// several threads, each with its own worker.
#pragma once

#include <array>
#include <vector>

#include "chip/sdp/chain.hpp"
#include "chip/sdp/operands.hpp"
#include "chip/sdp/plan.hpp"
#include "num/sdp_lut.hpp"

namespace medlar::chip {

/// Where the bytes of one line lie; null where the operation has none.
struct SdpLine {
  size_t atoms = 0;  ///< Neighbours that lie without gaps: a line of the cube, or a piece of several.
  const int32_t* conv = nullptr;                   ///< Flying input.
  std::array<const uint8_t*, 2> in{};              ///< Memory input: one line, two where 16-bit surfaces join.
  std::array<const uint8_t*, 3> operand{};         ///< X1, X2, Y, where they come one an element.
  std::array<uint8_t*, 2> out{};                   ///< One line, two where 16-bit surfaces split; null: compare mode.
};

class SdpWorker {
 public:
  /// The references must outlive the worker.
  SdpWorker(const SdpPlan& plan, const SdpOperation& operation);
  SdpWorker(const SdpWorker&) = delete;
  SdpWorker& operator=(const SdpWorker&) = delete;

  /// `operands`: bytes of X1, X2, Y of this surface, where they come one a channel.
  void start_surface(int surface, const std::array<const uint8_t*, 3>& operands);
  void run_line(const SdpLine& line);

  const SdpCounters& counters() const { return counters_; }

 private:
  /// The chain with the operands of one surface.
  struct SurfaceChain {
    int surface = -1;
    SdpChain chain;
  };
  void run_chain(const SdpLine& line);
  void load(const SdpLine& line, size_t x, size_t atoms);
  void compute();
  void convert_output();
  void store(const SdpLine& line, size_t x, size_t atoms) const;

  const SdpPlan& plan_;
  const SdpTarget& target_;
  num::SdpLut lut_;
  std::array<SdpOperandFeed, 3> feeds_;
  SdpCounters counters_;
  std::vector<SurfaceChain> chains_;  ///< Of the surfaces seen last, when all of it is one pass; else empty.
  const SdpChain* chain_ = nullptr;   ///< Of this surface.
  int surface_ = -1;
  std::array<int32_t, kSdpSpan> buffer_{};
  std::span<int32_t> data_;
};

}  // namespace medlar::chip
