// SPDX-License-Identifier: Apache-2.0
#include "timing/energy.hpp"

#include <algorithm>

namespace medlar::timing {
namespace {

constexpr double kPico = 1e-12;
constexpr double kGiga = 1e9;

double clock_watts(const hw::EnergyCosts& costs, uint64_t hz) {
  return costs.clock_watts_per_ghz * static_cast<double>(hz) / kGiga;
}

double mac_cost(const hw::EnergyCosts& costs, HostPrecision precision) {
  switch (precision) {
    case HostPrecision::kInt8:
      return costs.pj_mac_int8;
    case HostPrecision::kFp16:
      return costs.pj_mac_fp16;
    case HostPrecision::kFp32:
      return costs.pj_mac_fp32;
  }
  return 0;
}

}  // namespace

double mac_utilisation(const OpTime& time, const hw::DeviceProfile& device, hw::Precision precision) {
  const uint32_t peak = precision == hw::Precision::kInt8 ? device.macs_int8 : device.macs_fp16;
  const double possible = static_cast<double>(time.cycles) * peak;
  return possible == 0 ? 0 : static_cast<double>(time.macs) / possible;
}

Energy& Energy::operator+=(const Energy& other) {
  static_joules += other.static_joules;
  clock_joules += other.clock_joules;
  mac_joules += other.mac_joules;
  element_joules += other.element_joules;
  dram_joules += other.dram_joules;
  sram_joules += other.sram_joules;
  return *this;
}

Energy op_energy(const OpTime& time, const hw::DeviceProfile& device, const hw::PowerMode& mode,
                 hw::Precision precision) {
  const hw::EnergyCosts& costs = device.dla_energy;
  const double seconds = static_cast<double>(time.cycles) / static_cast<double>(mode.dla_hz);
  const double mac = precision == hw::Precision::kInt8 ? costs.pj_mac_int8 : costs.pj_mac_fp16;
  Energy e;
  e.static_joules = costs.static_watts * seconds;
  e.clock_joules = clock_watts(costs, mode.dla_hz) * seconds;
  e.mac_joules = mac * kPico * static_cast<double>(time.macs);
  e.dram_joules = costs.pj_dram_byte * kPico * static_cast<double>(time.dram_bytes());
  e.sram_joules = costs.pj_sram_byte * kPico * static_cast<double>(time.sram_bytes());
  return e;
}

Energy host_energy(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine,
                   const HostWork& work, double seconds) {
  const bool gpu = engine == HostEngine::kGpu;
  const hw::EnergyCosts& costs = gpu ? device.gpu.energy : device.cpu.energy;
  Energy e;
  e.static_joules = costs.static_watts * seconds;
  e.clock_joules = clock_watts(costs, gpu ? mode.gpu_hz : mode.cpu_hz) * seconds;
  e.mac_joules = mac_cost(costs, work.precision) * kPico * work.macs;
  e.element_joules = costs.pj_element * kPico * work.elements;
  e.dram_joules = costs.pj_dram_byte * kPico * (work.bytes_read + work.bytes_written);
  return e;
}

double idle_watts(const hw::DeviceProfile& device, const hw::PowerMode& mode, Engine engine, Gate gate) {
  const hw::EnergyCosts& costs = engine == Engine::kDla   ? device.dla_energy
                                 : engine == Engine::kGpu ? device.gpu.energy
                                                          : device.cpu.energy;
  const uint64_t hz = engine == Engine::kDla   ? mode.dla_hz
                      : engine == Engine::kGpu ? mode.gpu_hz
                                               : mode.cpu_hz;
  switch (gate) {
    case Gate::kRunning:
      return costs.static_watts + clock_watts(costs, hz);
    case Gate::kClockGated:
      return costs.static_watts;
    case Gate::kPowerGated:
      return 0;
  }
  return 0;
}

double typical_watts(const hw::DeviceProfile& device, const hw::PowerMode& mode, Engine engine) {
  // One DLA core of AGX Orin reaches 32 % of its peak on ResNet-50 at MAXN.
  constexpr double kDlaReached = 0.32;
  const bool gpu = engine == Engine::kGpu;
  double watts = 0;
  if (engine == Engine::kDla) {
    watts = device.dla_energy.pj_mac_int8 * kPico * device.macs_int8 * static_cast<double>(mode.dla_hz) *
            kDlaReached;
  } else {
    const hw::HostUnit& unit = gpu ? device.gpu : device.cpu;
    const double units = gpu ? mode.gpu_units : mode.cpu_units;
    const double hz = static_cast<double>(gpu ? mode.gpu_hz : mode.cpu_hz);
    watts = unit.energy.pj_mac_int8 * kPico * unit.macs_int8 * units * hz * unit.reached;
  }
  watts += idle_watts(device, mode, engine, Gate::kRunning);
  // Where a range of the DLA's power is published, work that nothing is known of stays inside it.
  const bool published = engine == Engine::kDla && device.dla_watts_max > 0;
  return published ? std::clamp(watts, device.dla_watts_min, device.dla_watts_max) : watts;
}

double dram_joules_per_byte(const hw::DeviceProfile& device) {
  const bool own = device.dla_energy.counts_dram;
  return kPico * (own ? device.dla_energy.pj_dram_byte : device.cpu.energy.pj_dram_byte);
}

}  // namespace medlar::timing
