// SPDX-License-Identifier: Apache-2.0
// A small simulated module for fuzzers, and calls to its kernel.
#pragma once

#include "driver/sim/kernel.hpp"
#include "fuzz/input.hpp"
#include "hw/device.hpp"

#include <memory>

namespace medlar::fuzz {

inline std::unique_ptr<driver::Kernel> small_kernel(const char* profile, uint32_t cores) {
  driver::KernelOptions options;
  const hw::DeviceProfile& device = **hw::find_device(profile);
  options.soc = soc::SocConfig::of(device);
  options.soc.cores = cores;
  options.soc.platform = (*hw::find_device("orin-nx-16gb"))->platform;
  options.soc.memory = {.dram_bytes = 48 << 20,
                        .cma_bytes = 16 << 20,
                        .sram_bytes = device.config->sram ? 1u << 20 : 0,
                        .sram_banks = cores,
                        .os_bytes = 4 << 20,
                        .cuda_bytes = 4 << 20,
                        .carve_outs = {}};
  return driver::Kernel::create(std::move(options)).value();
}

/// The kernel's calls with struct_size filled in.
struct Calls {
  const medlar_kernel& kernel;

  int open(const char* node) const { return kernel.open(kernel.self, node); }
  int close(int fd) const { return kernel.close(kernel.self, fd); }
  template <typename T>
  int call(int fd, uint32_t request, T& args) const {
    args.struct_size = sizeof args;
    return kernel.ioctl(kernel.self, fd, request, &args);
  }
  void close_all() const {
    for (int fd = 0; fd < 256; ++fd) {
      close(fd);
    }
  }
  /// After everything has been closed: nothing may be left.
  void require_nothing_left() const {
    close_all();
    const int fd = open("nvhost-nvdla0");
    require(fd >= 0);
    medlar_query_counters counters{};
    require(call(fd, MEDLAR_QUERY_COUNTERS, counters) == 0);
    require(counters.live_contexts + counters.live_buffers + counters.live_pages + counters.live_fences +
                counters.live_mappings + counters.live_loadables + counters.shared_pages ==
            0);
    close(fd);
  }
};

}  // namespace medlar::fuzz
