// SPDX-License-Identifier: Apache-2.0
// DeviceProfile: a chip configuration with its clocks, memory and cores. Plain data, from spec/devices.toml.
#pragma once

#include "base/status.hpp"
#include "hw/config.hpp"
#include "hw/platform.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace medlar::hw {

/// How far the numbers of a profile can be trusted. Never mix the two in one output.
enum class Label : uint8_t {
  kBitExact,  ///< Open NVDLA: checked against NVIDIA's vectors and RTL.
  kModelled,  ///< Closed silicon: modelled from published tables.
};

/// "bit-exact", "modelled".
std::string_view label_name(Label label);

struct PowerMode {
  std::string_view name;
  uint64_t dla_hz = 0;
  uint64_t dram_bytes_per_second = 0;  ///< Peak.
  uint64_t gpu_hz = 0;                 ///< 0: no GPU.
  uint32_t gpu_units = 0;              ///< Streaming multiprocessors that are on.
  uint64_t cpu_hz = 0;
  uint32_t cpu_units = 0;  ///< Cores that are on.
};

/// Energy of an engine in the form of the energy roofline: E = static x time + clock x cycles + work + bytes.
struct EnergyCosts {
  double static_watts = 0;         ///< Leakage while powered; nothing while power-gated.
  double clock_watts_per_ghz = 0;  ///< Clock tree and pipelines while working; nothing while clock-gated.
  double pj_mac_int8 = 0;
  double pj_mac_fp16 = 0;
  double pj_mac_fp32 = 0;
  double pj_element = 0;    ///< Elementwise operations.
  double pj_dram_byte = 0;  ///< The memory itself included where `counts_dram`.
  double pj_sram_byte = 0;
  bool counts_dram = false;
};

/// What one unit of a GPU (a streaming multiprocessor) or CPU (a core) does in a cycle, and how much of it
/// real kernels reach. Modelled always.
struct HostUnit {
  std::string_view name;
  uint32_t macs_int8 = 0;  ///< Dense multiply-accumulates; 0 units of an engine that is absent.
  uint32_t macs_fp16 = 0;
  uint32_t macs_fp32 = 0;
  uint32_t elements = 0;  ///< Elementwise operations.
  double reached = 0;     ///< Share of the arithmetic peak.
  double dram_share = 0;  ///< Share of the module's peak DRAM bandwidth.
  double launch_us = 0;   ///< One kernel's start and end.
  EnergyCosts energy;     ///< Of all units together.
};

/// Cost of handing work from one engine to another.
struct TransitionCost {
  uint32_t min_us = 0;
  uint32_t typical_us = 0;
  uint32_t max_us = 0;
};

struct DeviceProfile {
  std::string_view name;
  Label label = Label::kModelled;
  const HwConfig* config = nullptr;  ///< Arithmetic, registers and layouts.
  uint32_t dla_cores = 1;
  uint32_t macs_int8 = 0;  ///< Dense multiply-accumulates a cycle of one core; may exceed config's.
  uint32_t macs_fp16 = 0;
  std::span<const PowerMode> modes;
  uint32_t default_mode = 0;  ///< Index into modes.
  uint64_t dram_bytes = 0;
  double dram_efficiency = 1;  ///< Share of the peak bandwidth that the cores reach together.
  uint64_t cma_bytes = 0;      ///< Contiguous memory that drivers may allocate.
  uint64_t sram_bytes = 0;     ///< 0: none. Of one core, or of all when shared.
  bool sram_shared = false;
  TransitionCost transition;
  HostUnit gpu;
  HostUnit cpu;
  EnergyCosts dla_energy;    ///< Of one core.
  double dla_submit_us = 0;  ///< Software and wake-up of one task: ioctl, doorbell, interrupt.
  double dla_operation_us =
      0;  ///< Firmware that programs one more hardware operation, where no ping-pong hides it.
  double dla_watts_min = 0;  ///< Of one core; 0: nothing is published.
  double dla_watts_max = 0;
  uint32_t max_loadables = 1;          ///< Loaded at the same time, a core.
  uint32_t hwc4_alignment = 32;        ///< Bytes; line pitch of interleaved image input.
  const Platform* platform = nullptr;  ///< The system-on-chip around the cores.
  uint64_t os_bytes = 0;               ///< DRAM that kernel and system services hold.
  uint64_t cuda_bytes = 0;             ///< DRAM that GPU allocations may take.
  std::string_view note;

  const PowerMode& mode() const { return modes[default_mode]; }
  Result<const PowerMode*> find_mode(std::string_view mode_name) const;
  /// Peak dense operations a second of one core (2 per multiply-accumulate).
  double peak_ops(const PowerMode& m, Precision p) const {
    return 2.0 * (p == Precision::kInt8 ? macs_int8 : macs_fp16) * static_cast<double>(m.dla_hz);
  }
};

/// All profiles: modelled modules first, then one `nvdla-<configuration>` for every configuration.
std::span<const DeviceProfile> devices();
const DeviceProfile& default_device();
/// By name; a configuration's own name is short for its nvdla- profile. The error lists the names that exist.
Result<const DeviceProfile*> find_device(std::string_view name);

}  // namespace medlar::hw
