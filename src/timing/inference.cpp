// SPDX-License-Identifier: Apache-2.0
#include "timing/inference.hpp"

#include <algorithm>

namespace medlar::timing {
namespace {

HostPrecision host_precision(hw::Precision precision) {
  return precision == hw::Precision::kInt8 ? HostPrecision::kInt8 : HostPrecision::kFp16;
}

double elements(const hw::Dims& d) {
  return static_cast<double>(d.w) * d.h * d.c;
}

}  // namespace

double submission_seconds(const hw::DeviceProfile& device, std::span<const double> operations) {
  constexpr double kMicroseconds = 1e-6;
  const double program = device.dla_operation_us * kMicroseconds;
  double seconds = device.dla_submit_us * kMicroseconds + (operations.empty() ? 0 : program);
  for (size_t i = 1; i < operations.size(); ++i) {
    seconds += std::max(0.0, program - operations[i - 1]);
  }
  return seconds;
}

InferenceCost dla_inference(const hw::DeviceProfile& device, const hw::PowerMode& mode,
                            std::span<const LayerShape> layers, uint32_t active_cores) {
  const Machine machine = machine_of(device, mode, active_cores);
  InferenceCost cost;
  std::vector<double> operations;
  for (const LayerShape& layer : layers) {
    const OpTime time = estimate(layer, *device.config, machine);
    cost.busy_seconds += time.seconds(machine);
    cost.macs += static_cast<double>(time.macs);
    cost.dram_bytes += static_cast<double>(time.dram_bytes());
    const uint64_t parts =
        layer.kind == LayerShape::Kind::kConv ? conv_parts_of(layer, *device.config).count : 1;
    operations.insert(operations.end(), parts, time.seconds(machine) / static_cast<double>(parts));
    cost.energy += op_energy(time, device, mode, layer.precision);
  }
  cost.operations = operations.size();
  const double software = submission_seconds(device, operations);
  cost.seconds = cost.busy_seconds + software;
  cost.energy.static_joules += device.dla_energy.static_watts * software;
  return cost;
}

HostWork host_work_of(const LayerShape& layer) {
  const double bytes = hw::bytes_per_element(layer.precision);
  const double in =
      layer.image_bytes != 0 ? static_cast<double>(layer.image_bytes) / bytes : elements(layer.input);
  const double out = elements(layer.output);
  const double window = static_cast<double>(layer.kernel_w) * layer.kernel_h;
  HostWork work{.macs = static_cast<double>(layer_macs(layer)),
                .launches = 1,
                .precision = host_precision(layer.precision)};
  const double weights = layer.kind == LayerShape::Kind::kConv
                             ? window * layer.input.c * layer.output.c / std::max(1u, layer.groups)
                             : 0;
  work.bytes_read = (in + weights + layer.operands * out) * bytes;
  work.bytes_written = out * bytes;
  work.elements = layer.kind == LayerShape::Kind::kConv ? 0 : out * window;
  return work;
}

InferenceCost host_inference(const hw::DeviceProfile& device, const hw::PowerMode& mode, HostEngine engine,
                             std::span<const LayerShape> layers) {
  InferenceCost cost;
  for (const LayerShape& layer : layers) {
    const HostWork work = host_work_of(layer);
    const double seconds = host_seconds(device, mode, engine, work);
    cost.seconds += seconds;
    cost.macs += work.macs;
    cost.dram_bytes += work.bytes_read + work.bytes_written;
    cost.operations += work.launches;
    cost.energy += host_energy(device, mode, engine, work, seconds);
  }
  cost.busy_seconds = cost.seconds;
  return cost;
}

std::vector<double> contention_factors(std::span<const DramDemand> demands, double bytes_per_second) {
  double sum = 0;
  for (const DramDemand& d : demands) {
    sum += d.bytes_per_second;
  }
  const double stretch = bytes_per_second > 0 ? std::max(1.0, sum / bytes_per_second) : 1;
  std::vector<double> factors;
  for (const DramDemand& d : demands) {
    factors.push_back(1 + (stretch - 1) * std::clamp(d.memory_share, 0.0, 1.0));
  }
  return factors;
}

}  // namespace medlar::timing
