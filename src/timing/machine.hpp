// SPDX-License-Identifier: Apache-2.0
// Machine: the rates that the cycle formulas need, taken from a device profile.
#pragma once

#include "hw/device.hpp"

#include <cstdint>

namespace medlar::timing {

/// One memory as the chip sees it.
struct MemoryModel {
  double bytes_per_cycle = 0;        ///< Reads and writes together; 0: the memory is absent.
  double read_bytes_per_cycle = 0;   ///< Reads alone.
  double latency = 0;                ///< Cycles from a read request to its data.
  double write_bytes_per_cycle = 0;  ///< Writes alone; 0: only the sum limits them.
};

/// The SMMU between a core and the DRAM. A page is looked up when a stream enters it; what is under way hides
/// nothing of the walk, but several walks go on side by side.
struct Translation {
  double page_bytes = 0;   ///< Of a leaf; 0: no SMMU.
  double walk_cycles = 0;  ///< A miss: table reads one after the other.
  double walks = 1;        ///< Side by side.
};

/// A core, its clock and its memories.
struct Machine {
  uint64_t hz = 0;
  uint32_t atomic_c = 0;      ///< Channels that a MAC cell takes in a cycle.
  uint32_t kernels_int8 = 0;  ///< Kernels side by side.
  uint32_t kernels_16 = 0;    ///< The same for 16-bit data; 0: not supported.
  double sdp = 0;             ///< Elements a cycle through X1 and X2.
  double sdp_ew = 0;          ///< Elements a cycle through Y.
  double pdp_bytes = 0;       ///< Input bytes a cycle.
  double cdp = 0;             ///< Elements a cycle.
  uint32_t port_bytes = 0;    ///< Bytes of one beat, the most that a memory port moves in a cycle.
  MemoryModel dram;
  MemoryModel sram;
  Translation smmu;
};

/// The machine of one core of `device` in `mode`, while `active_cores` share the memory bandwidth.
Machine machine_of(const hw::DeviceProfile& device, const hw::PowerMode& mode, uint32_t active_cores = 1);
Machine machine_of(const hw::DeviceProfile& device);

/// A configuration's own RTL beside the given memories, as in the measured runs.
Machine machine_of(const hw::HwConfig& config, MemoryModel dram, MemoryModel sram);

}  // namespace medlar::timing
