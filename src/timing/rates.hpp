// SPDX-License-Identifier: Apache-2.0
// Constants read off NVIDIA's RTL (nv_full under Verilator), and the rates
// built from them.
#pragma once

#include "timing/work.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace medlar::timing {

/// Read requests that a client may have open, in beats of the port.
struct Credits {
  static constexpr double kPort = 256;
  static constexpr double kBdma = 245;
  static constexpr double kSdp = 80;
  static constexpr double kSdpX = 160;
  static constexpr double kSdpY = 80;
  static constexpr double kPdp = 61;
  static constexpr double kCdp = 61;
  static constexpr double kRubik = 80;
};

struct Pipeline {
  static constexpr double kLoadStart = 50;    ///< Enable to the first request, and the last data into CBUF.
  static constexpr double kDataToMac = 42;    ///< Data complete to the first atom.
  static constexpr double kWeightToMac = 34;  ///< Kernel group complete to the first atom.
  static constexpr double kMacTail = 53;      ///< Last atom to done, without the last stripe.
  static constexpr double kSdpTail = 52;      ///< SDP-bound: first atom + SDP cycles to done.
  static constexpr double kMemoryTail = 36;
  static constexpr double kSdpStart = 74;  ///< Offline, beside the latency.
  static constexpr double kPdpStart = 37;
  static constexpr double kCopyStart = 50;
  static constexpr double kPingPongGain = 12;  ///< The array goes on while SDP drains.
  static constexpr uint64_t kStripe =
      16;  ///< Output positions of one stripe; the last takes up to twice as many.
  static constexpr double kCreditLatency = 50;      ///< A credit is held this much longer than the latency.
  static constexpr double kCreditHeld = 40;         ///< The same of the streaming units' readers.
  static constexpr double kFeatureShare = 2.0 / 3;  ///< Feature data: two beats in three cycles...
  static constexpr uint32_t kWideChannels = 64;     ///< ... from this many bytes of channels on.
  static constexpr double kSharedPort = 62.5 / 64;  ///< Data and weights together.
  static constexpr double kPdpTail = 33;            ///< Results of a last input row that is under a window.
  static constexpr double kCdpStart = 90;
  static constexpr double kCdpStripe = 2;  ///< A stripe costs this beside its data.
  static constexpr double kWriteStart =
      41;  ///< Copies: first data to the end of the writer, without its cycles.
  static constexpr double kRubikStart = 62;
  static constexpr double kRubikCreditHeld = 10;
};

inline const MemoryModel& memory(const Machine& machine, Memory which) {
  return which == Memory::kDram ? machine.dram : machine.sram;
}

/// Bytes a cycle that a client with `credits` open beats reads.
inline double client_rate(const Machine& machine, const MemoryModel& m, double credits) {
  // A memory that the machine lacks takes no time: whether an operation can run is not asked here.
  return m.bytes_per_cycle == 0
             ? std::numeric_limits<double>::infinity()
             : std::min(m.read_bytes_per_cycle,
                        credits * machine.port_bytes / (m.latency + Pipeline::kCreditLatency));
}

/// Adds the bytes of a stream to the totals of an operation.
inline void count_read(OpTime& time, const Traffic& t) {
  (t.memory == Memory::kDram ? time.dram_read_bytes : time.sram_read_bytes) += t.bytes;
}
inline void count_write(OpTime& time, const Traffic& t) {
  (t.memory == Memory::kDram ? time.dram_write_bytes : time.sram_write_bytes) += t.bytes;
}

/// Cycles that a memory needs to move `reads` and `writes`; an absent one moves nothing.
inline double moving_cycles(const MemoryModel& m, uint64_t reads, uint64_t writes) {
  return m.bytes_per_cycle == 0
             ? 0
             : std::max({static_cast<double>(reads) / m.read_bytes_per_cycle,
                         static_cast<double>(reads + writes) / m.bytes_per_cycle,
                         m.write_bytes_per_cycle > 0 ? static_cast<double>(writes) / m.write_bytes_per_cycle
                                                     : 0.0});
}

/// Cycles that the busier memory needs for everything in `time`.
inline double memory_cycles(const OpTime& time, const Machine& machine) {
  return std::max(moving_cycles(machine.dram, time.dram_read_bytes, time.dram_write_bytes),
                  moving_cycles(machine.sram, time.sram_read_bytes, time.sram_write_bytes));
}

/// Cycles of `amount` at `rate` a cycle; a unit that the machine lacks takes none.
inline double cycles_at(double amount, double rate) {
  return rate > 0 ? amount / rate : 0;
}

inline uint64_t to_cycles(double value) {
  return value <= 0 ? 0 : static_cast<uint64_t>(value + 0.5);
}

/// SDP's own cycles: kernels are rounded up to what the array delivers together.
double sdp_cycles(const SdpWork& work, const Machine& machine, uint32_t channel_multiple);

}  // namespace medlar::timing
