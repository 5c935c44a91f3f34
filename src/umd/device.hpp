// SPDX-License-Identifier: Apache-2.0
// A DLA core as an application sees it: enumerate, open, ask.
#pragma once

#include "umd/kernel_fd.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::umd {

/// What the kernel driver says about a core. Memory figures are those of the moment.
struct DeviceInfo {
  std::string node;     ///< "nvhost-nvdla0".
  std::string profile;  ///< Device profile, e.g. "orin-nano-8gb".
  std::string chip;     ///< Hardware configuration, e.g. "nv_full".
  uint32_t descriptor_version = 0;
  uint32_t core = 0, num_cores = 1;
  uint32_t precisions = 0;  ///< MEDLAR_PRECISION_ bits.
  uint32_t features = 0;    ///< MEDLAR_FEATURE_ bits.
  uint32_t memory_atom = 0, atomic_c = 0, atomic_k = 0;
  uint32_t max_addresses = 0, max_operations = 0, max_contexts = 0, max_loadables = 0;
  uint32_t page_size = 0, clock_khz = 0;
  uint32_t power_state = 0;  ///< 0 off, 1 clock-gated, 2 on.
  uint64_t dram_bytes = 0, sram_bytes = 0, sram_free = 0;
  uint64_t cma_bytes = 0, cma_free = 0, cma_largest_free = 0;
};

/// Since the device started, except live_*, which are of the moment.
struct Counters {
  uint64_t tasks_submitted = 0, tasks_completed = 0, tasks_failed = 0;
  uint64_t operations = 0, interrupts = 0, spurious_interrupts = 0, resets = 0, timeouts = 0;
  uint64_t register_reads = 0, register_writes = 0, lut_loads = 0;
  uint64_t smmu_faults = 0, tlb_hits = 0, tlb_misses = 0;
  uint64_t power_ups = 0, clock_enables = 0;
  uint64_t device_time_ns = 0;  ///< Modelled, of this core.
  uint64_t copied_bytes = 0, cpu_syncs = 0;
  uint64_t live_loadables = 0, shared_pages = 0;
  uint64_t live_contexts = 0, live_buffers = 0, live_pages = 0, live_fences = 0, live_mappings = 0;
};

/// Nodes that open on this kernel, in the order of their cores; empty when there is no DLA.
std::vector<std::string> enumerate(const medlar_kernel& kernel);

/// Thread-safe. `kernel` must outlive the device and everything made from it.
class Device {
 public:
  static Result<std::shared_ptr<Device>> open(const medlar_kernel& kernel, std::string_view node);

  /// As it was when the device was opened.
  const DeviceInfo& info() const { return info_; }
  /// As it is now.
  Result<DeviceInfo> query() const;
  Result<Counters> counters() const;

  const medlar_kernel& kernel() const { return fd_.kernel(); }
  /// Another descriptor of the same node: errors are reported per descriptor, so each context has its own.
  Result<KernelFd> reopen() const;

 private:
  Device(KernelFd fd, std::string node) : fd_(std::move(fd)) { info_.node = std::move(node); }

  KernelFd fd_;
  DeviceInfo info_;
};

}  // namespace medlar::umd
