// SPDX-License-Identifier: Apache-2.0
// Energy in the form of the energy roofline: static and clock power over time, and what operations and bytes
// cost.
#pragma once

#include "timing/host_model.hpp"
#include "timing/work.hpp"

namespace medlar::timing {

/// Share of the peak multiply-accumulates that an operation reaches.
double mac_utilisation(const OpTime& time, const hw::DeviceProfile& device, hw::Precision precision);

/// Joules by cause. Sums of energies are energies of sums, except that static power counts time once.
struct Energy {
  double static_joules = 0;
  double clock_joules = 0;
  double mac_joules = 0;
  double element_joules = 0;
  double dram_joules = 0;
  double sram_joules = 0;

  double total() const {
    return static_joules + clock_joules + mac_joules + element_joules + dram_joules + sram_joules;
  }
  /// Of the engine: all but the DRAM's own energy. Costs that do not count the DRAM have that of the port.
  double engine(const hw::EnergyCosts& costs) const {
    return costs.counts_dram ? total() - dram_joules : total();
  }
  Energy& operator+=(const Energy& other);
};

/// One core of the DLA for an operation: its cycles, products and bytes. Without the DRAM itself on the open
/// cores.
Energy op_energy(const OpTime& time, const hw::DeviceProfile& device, const hw::PowerMode& mode,
                 hw::Precision precision);

/// The GPU or CPU for work that takes `seconds`.
Energy host_energy(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine,
                   const HostWork& work, double seconds);

/// What an engine without work is: its clock runs, its clock is gated, or its power is off.
enum class Gate : uint8_t { kRunning, kClockGated, kPowerGated };
/// Watts of one engine (of the DLA: one core) without work.
double idle_watts(const hw::DeviceProfile& device, const hw::PowerMode& mode, Engine engine, Gate gate);
/// Watts of one engine at work that nothing is known of: its clock, and the share of its INT8 peak that real
/// networks reach. Without DRAM.
double typical_watts(const hw::DeviceProfile& device, const hw::PowerMode& mode, Engine engine);
/// Joules of the DRAM for a byte, whichever engine asks.
double dram_joules_per_byte(const hw::DeviceProfile& device);

}  // namespace medlar::timing
