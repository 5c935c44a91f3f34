// SPDX-License-Identifier: Apache-2.0
#include "timing/host_model.hpp"

#include <algorithm>
#include <limits>

namespace medlar::timing {
namespace {

/// One engine of a module in a mode.
struct Rates {
  const hw::HostUnit* unit = nullptr;
  double cycles_per_second = 0;  ///< Of all units together.
};

Rates rates_of(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine) {
  const bool gpu = engine == HostEngine::kGpu;
  const double hz = static_cast<double>(gpu ? mode.gpu_hz : mode.cpu_hz);
  return {gpu ? &device.gpu : &device.cpu, hz * (gpu ? mode.gpu_units : mode.cpu_units)};
}

double macs_per_cycle(const hw::HostUnit& unit, HostPrecision precision) {
  switch (precision) {
    case HostPrecision::kInt8:
      return unit.macs_int8;
    case HostPrecision::kFp16:
      return unit.macs_fp16;
    case HostPrecision::kFp32:
      return unit.macs_fp32;
  }
  return 0;
}

double seconds_at(double amount, double rate) {
  if (amount <= 0) {
    return 0;
  }
  return rate > 0 ? amount / rate : std::numeric_limits<double>::infinity();
}

}  // namespace

std::string_view host_engine_name(HostEngine engine) {
  return engine == HostEngine::kGpu ? "gpu" : "cpu";
}

std::string_view engine_name(Engine engine) {
  switch (engine) {
    case Engine::kDla:
      return "dla";
    case Engine::kGpu:
      return "gpu";
    case Engine::kCpu:
      return "cpu";
  }
  return "invalid";
}

bool has_engine(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine) {
  const Rates rates = rates_of(device, mode, engine);
  return rates.cycles_per_second > 0 && rates.unit->reached > 0;
}

double host_seconds(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine,
                    const HostWork& work, double dram_fraction) {
  if (!has_engine(device, mode, engine)) {
    return std::numeric_limits<double>::infinity();
  }
  const Rates rates = rates_of(device, mode, engine);
  const hw::HostUnit& unit = *rates.unit;
  const double arithmetic = rates.cycles_per_second * unit.reached;
  const double dram = static_cast<double>(mode.dram_bytes_per_second) * unit.dram_share * dram_fraction;
  const double computing = seconds_at(work.macs, arithmetic * macs_per_cycle(unit, work.precision)) +
                           seconds_at(work.elements, arithmetic * unit.elements);
  const double moving = seconds_at(work.bytes_read + work.bytes_written, dram);
  return work.launches * unit.launch_us * 1e-6 + std::max(computing, moving);
}

double host_seconds(const hw::DeviceProfile& device, HostEngine engine, const HostWork& work) {
  return host_seconds(device, device.mode(), engine, work);
}

double transition_seconds(const hw::DeviceProfile& device, Engine from, Engine to, uint64_t bytes) {
  if (from == to) {
    return 0;
  }
  const hw::TransitionCost& cost = device.transition;
  const double share = static_cast<double>(bytes) / static_cast<double>(kTypicalTransitionBytes);
  const double us = cost.min_us + (static_cast<double>(cost.typical_us) - cost.min_us) * share;
  return std::min(us, static_cast<double>(cost.max_us)) * 1e-6;
}

}  // namespace medlar::timing
