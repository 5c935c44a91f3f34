// SPDX-License-Identifier: Apache-2.0
#include "umd/device.hpp"

#include <algorithm>

namespace medlar::umd {
namespace {

Result<KernelFd> open_node(const medlar_kernel& kernel, const std::string& node) {
  const int fd = kernel.open(kernel.self, node.c_str());
  if (fd < 0) {
    return kernel_error(fmt::format("{}: open", node), fd);
  }
  return KernelFd(kernel, fd);
}

/// A string field that a broken kernel may have left without its end.
template <size_t N>
std::string bounded(const char (&text)[N]) {
  return {text, std::find(text, text + N, '\0')};
}

DeviceInfo convert(const medlar_query_device& q, std::string node) {
  return DeviceInfo{.node = std::move(node),
                    .profile = bounded(q.profile),
                    .chip = bounded(q.chip),
                    .descriptor_version = q.descriptor_version,
                    .core = q.core,
                    .num_cores = q.num_cores,
                    .precisions = q.precisions,
                    .features = q.features,
                    .memory_atom = q.memory_atom,
                    .atomic_c = q.atomic_c,
                    .atomic_k = q.atomic_k,
                    .max_addresses = q.max_addresses,
                    .max_operations = q.max_operations,
                    .max_contexts = q.max_contexts,
                    .max_loadables = q.max_loadables,
                    .page_size = q.page_size,
                    .clock_khz = q.clock_khz,
                    .power_state = q.power_state,
                    .dram_bytes = q.dram_bytes,
                    .sram_bytes = q.sram_bytes,
                    .sram_free = q.sram_free,
                    .cma_bytes = q.cma_bytes,
                    .cma_free = q.cma_free,
                    .cma_largest_free = q.cma_largest_free};
}

}  // namespace

std::vector<std::string> enumerate(const medlar_kernel& kernel) {
  constexpr uint32_t kMaxCores = 8;  // a disabled core leaves a hole
  std::vector<std::string> nodes;
  for (uint32_t core = 0, cores = kMaxCores; core < cores; ++core) {
    auto device = Device::open(kernel, fmt::format("{}{}", MEDLAR_DEVICE_NODE, core));
    if (device) {
      nodes.push_back((*device)->info().node);
      cores = (*device)->info().num_cores;
    }
  }
  return nodes;
}

Result<std::shared_ptr<Device>> Device::open(const medlar_kernel& kernel, std::string_view node) {
  MEDLAR_ASSIGN(KernelFd fd, open_node(kernel, std::string(node)));
  std::shared_ptr<Device> device(new Device(std::move(fd), std::string(node)));
  MEDLAR_ASSIGN(device->info_, device->query());
  return device;
}

Result<DeviceInfo> Device::query() const {
  medlar_query_device q{};
  if (const int error = fd_.call(MEDLAR_QUERY_DEVICE, q); error < 0) {
    return kernel_error(fmt::format("{}: query device", info_.node), error);
  }
  if (q.uapi_version != MEDLAR_UAPI_VERSION) {
    return fail(Code::kVersionMismatch, "{}: kernel interface version {}, this driver speaks {}", info_.node,
                q.uapi_version, MEDLAR_UAPI_VERSION);
  }
  return convert(q, info_.node);
}

Result<Counters> Device::counters() const {
  medlar_query_counters q{};
  if (const int error = fd_.call(MEDLAR_QUERY_COUNTERS, q); error < 0) {
    return kernel_error(fmt::format("{}: query counters", info_.node), error);
  }
  return Counters{.tasks_submitted = q.tasks_submitted,
                  .tasks_completed = q.tasks_completed,
                  .tasks_failed = q.tasks_failed,
                  .operations = q.operations,
                  .interrupts = q.interrupts,
                  .spurious_interrupts = q.spurious_interrupts,
                  .resets = q.resets,
                  .timeouts = q.timeouts,
                  .register_reads = q.register_reads,
                  .register_writes = q.register_writes,
                  .lut_loads = q.lut_loads,
                  .smmu_faults = q.smmu_faults,
                  .tlb_hits = q.tlb_hits,
                  .tlb_misses = q.tlb_misses,
                  .power_ups = q.power_ups,
                  .clock_enables = q.clock_enables,
                  .device_time_ns = q.device_time_ns,
                  .copied_bytes = q.copied_bytes,
                  .cpu_syncs = q.cpu_syncs,
                  .live_loadables = q.live_loadables,
                  .shared_pages = q.shared_pages,
                  .live_contexts = q.live_contexts,
                  .live_buffers = q.live_buffers,
                  .live_pages = q.live_pages,
                  .live_fences = q.live_fences,
                  .live_mappings = q.live_mappings};
}

Result<KernelFd> Device::reopen() const {
  return open_node(fd_.kernel(), info_.node);
}

}  // namespace medlar::umd
