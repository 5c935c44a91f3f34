// SPDX-License-Identifier: Apache-2.0
// Device profile to rates.
#include "timing/machine.hpp"

#include <algorithm>

namespace medlar::timing {
namespace {

/// Assumed where the memory system is not public: 100 ns to DRAM, 32 cycles to SRAM.
constexpr double kDramLatencySeconds = 100e-9;
constexpr double kSramLatencyCycles = 32;

/// Tegra's SMMU (MMU-500): buffers of the DLA are mapped by 64 KiB leaves, as the driver's model maps them. A
/// miss reads the last two levels of the table from DRAM [assumed: the upper ones are cached], and eight
/// walks go on side by side [assumed].
constexpr double kLeafBytes = 64 * 1024;
constexpr double kWalkReads = 2, kWalks = 8;

}  // namespace

Machine machine_of(const hw::HwConfig& config, MemoryModel dram, MemoryModel sram) {
  Machine m;
  m.hz = uint64_t{config.max_clock_mhz} * 1'000'000;
  m.atomic_c = config.atomic_c;
  m.kernels_int8 = config.atomic_k;
  m.kernels_16 = config.supports(hw::Precision::kFp16) ? config.atomic_k / 2 : 0;
  m.sdp = config.throughput.sdp_bs;
  m.sdp_ew = config.throughput.sdp_ew;
  m.pdp_bytes = config.throughput.pdp;
  m.cdp = config.throughput.cdp;
  m.port_bytes = config.dbb.bytes_per_cycle();
  m.dram = dram;
  m.sram = sram;
  return m;
}

Machine machine_of(const hw::DeviceProfile& device, const hw::PowerMode& mode, uint32_t active_cores) {
  const hw::HwConfig& config = *device.config;
  const double hz = static_cast<double>(mode.dla_hz);
  // A core larger than its configuration: more kernels side by side, and every other unit grown in step.
  const double scale = static_cast<double>(device.macs_int8) / config.macs_int8();
  const double port = config.dbb.bytes_per_cycle() * scale;
  const double reached = static_cast<double>(mode.dram_bytes_per_second) * device.dram_efficiency;
  const double dram = std::min(port, reached / std::max(1u, active_cores) / hz);
  const double sram = device.sram_bytes == 0 ? 0 : config.sram_port.bytes_per_cycle() * scale;
  Machine m =
      machine_of(config, {dram, dram, kDramLatencySeconds * hz}, {2 * sram, sram, kSramLatencyCycles});
  m.hz = mode.dla_hz;
  m.kernels_int8 = device.macs_int8 / config.atomic_c;
  m.kernels_16 = device.macs_fp16 / config.atomic_c;
  m.sdp *= scale;
  m.sdp_ew *= scale;
  m.pdp_bytes *= scale;
  m.cdp *= scale;
  m.port_bytes = static_cast<uint32_t>(port);
  if (device.label == hw::Label::kModelled) {  // the open boards' RTL runs and primer are without one
    m.smmu = {kLeafBytes, kWalkReads * kDramLatencySeconds * hz, kWalks};
  }
  return m;
}

Machine machine_of(const hw::DeviceProfile& device) {
  return machine_of(device, device.mode());
}

}  // namespace medlar::timing
