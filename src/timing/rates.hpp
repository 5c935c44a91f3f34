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
  static constexpr double kLoadStart = 50;  ///< Enable to the first request, and the last data into CBUF.
  // Data or weights complete to the first step, beside the kernels that CSC then loads into the cells.
  static constexpr double kDataToMac = 26;
  static constexpr double kImageToMac = 23;
  static constexpr double kWinogradToMac = 22;
  static constexpr double kWeightToMac = 18;
  static constexpr double kKernelLoad = 16;     ///< A whole group of kernels into the cells.
  static constexpr double kLeastStripe = 10;    ///< CSC takes a new stripe at most that often.
  static constexpr double kMacTail = 50;        ///< Last step to done.
  static constexpr double kSdpTail = 51;        ///< SDP's last cycle to done.
  static constexpr double kPairWrite = 1.5;     ///< Cycles of SDP's writer for an atom, two side by side...
  static constexpr double kSingleWrite = 2;     ///< ... and for one alone: an address for each.
  static constexpr double kImageStart = 62;     ///< As kLoadStart, through the pixel packer.
  static constexpr double kWinogradStart = 95;  ///< The same through the tiles' buffer.
  static constexpr double kYStage = 10;         ///< Longer pipeline through Y...
  static constexpr double kLut = 10;            ///< ... and through its table.
  static constexpr double kWindowTurn = 3;      ///< Beside the latency, until a read's slot is free again.
  static constexpr double kMemoryTail = 36;
  static constexpr double kSdpStart = 68;  ///< Offline, beside the latency.
  static constexpr double kPdpStart = 37;
  static constexpr double kToPdp = -13;      ///< SDP's tail to PDP is shorter than to memory...
  static constexpr double kPooledStart = 5;  ///< ... and PDP's own comes on top.
  static constexpr double kDrain = 47;       ///< BDMA between two source memories, beside the latency.
  static constexpr double kCopyStart = 50;
  static constexpr double kPingPongGain = 12;       ///< The array goes on while SDP drains.
  static constexpr double kCreditLatency = 50;      ///< A credit is held this much longer than the latency.
  static constexpr double kCreditHeld = 40;         ///< The same of the streaming units' readers.
  static constexpr double kFeatureShare = 2.0 / 3;  ///< Two surfaces side by side: two beats in three cycles.
  static constexpr double kSharedPort = 62.5 / 64;  ///< Data and weights together.
  static constexpr double kPdpTail = 33;            ///< Results of a last input row that is under a window.
  static constexpr double kCdpStart = 90;
  static constexpr double kCdpStripe =
      2;  ///< A stripe of a line that is not narrow costs this beside its data.
  static constexpr double kCdpMemoryStart =
      45;  ///< First request and last write, where memory is what it waits for.
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

/// Adds what the SMMU costs: a walk for every leaf of the bytes that were counted.
inline void add_translation(OpTime& time, const Machine& machine) {
  if (machine.smmu.page_bytes > 0) {
    const double pages = static_cast<double>(time.dram_bytes()) / machine.smmu.page_bytes;
    time.translation_cycles =
        static_cast<uint64_t>(pages * machine.smmu.walk_cycles / machine.smmu.walks + 0.5);
    time.cycles += time.translation_cycles;
  }
}

/// Cycles of `amount` at `rate` a cycle; a unit that the machine lacks takes none.
inline double cycles_at(double amount, double rate) {
  return rate > 0 ? amount / rate : 0;
}

inline uint64_t to_cycles(double value) {
  return value <= 0 ? 0 : static_cast<uint64_t>(value + 0.5);
}

/// How much longer SDP's pipeline is with its Y stage.
inline double y_stage_cycles(const SdpWork& work) {
  return (work.ew ? Pipeline::kYStage : 0) + (work.lut ? Pipeline::kLut : 0);
}

/// SDP's own cycles: kernels are rounded up to what the array delivers together.
double sdp_cycles(const SdpWork& work, const Machine& machine, uint32_t channel_multiple);

}  // namespace medlar::timing
