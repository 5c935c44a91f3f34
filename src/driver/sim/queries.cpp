// SPDX-License-Identifier: Apache-2.0
// Calls that ask: device, counters.
#include "driver/sim/state.hpp"

#include <algorithm>
#include <cstring>

namespace medlar::driver {
namespace {

void copy_name(char (&to)[32], const std::string& from) {
  std::memcpy(to, from.data(), std::min(from.size(), sizeof to - 1));
}

}  // namespace

int Kernel::State::query_device(const File& file, medlar_query_device& args) {
  const hw::HwConfig& chip = *soc->config().chip;
  const dla_config& config = file->core.config();
  args = {};
  copy_name(args.profile, profile_);
  copy_name(args.chip, chip_);
  args.uapi_version = MEDLAR_UAPI_VERSION;
  args.descriptor_version = MEDLAR_DESCRIPTOR_VERSION;
  args.core = file->core.index();
  args.num_cores = static_cast<uint32_t>(cores.size());
  args.precisions = config.precisions;
  args.features = config.features;
  args.register_map = config.register_map;
  args.memory_atom = chip.memory_atom;
  args.atomic_c = chip.atomic_c;
  args.atomic_k = chip.atomic_k;
  args.cbuf_banks = chip.cbuf_banks;
  args.cbuf_bank_bytes = chip.cbuf_bank_bytes();
  args.max_batch = config.max_batch;
  args.max_addresses = config.max_addresses;
  args.max_operations = config.max_operations;
  args.max_contexts = kMaxContexts;
  args.page_size = soc::kPageBytes;
  args.clock_khz = static_cast<uint32_t>(soc->mode().dla_hz / 1000);
  args.max_loadables = config.max_loadables;
  args.power_state = static_cast<uint32_t>(soc->power(file->core.index()).state());
  const soc::ExtentStats sram = soc->memory().stats(soc::Pool::kSram, sram_bank(*file));
  const soc::ExtentStats cma = soc->memory().stats(soc::Pool::kContiguous);
  args.dram_bytes = soc->config().memory.dram_bytes;
  args.sram_bytes = sram.total;
  args.sram_free = sram.free;
  args.cma_bytes = cma.total;
  args.cma_free = cma.free;
  args.cma_largest_free = cma.largest_free;
  return 0;
}

int Kernel::State::query_counters(const File& file, medlar_query_counters& args) {
  const dla_counters core = file->core.counters();
  const soc::SmmuCounters smmu = soc->smmu().counters();
  args = {};
  args.tasks_submitted = core.submitted;
  args.tasks_completed = core.completed;
  args.tasks_failed = core.failed;
  args.operations = core.operations;
  args.interrupts = core.interrupts;
  args.spurious_interrupts = core.spurious;
  args.resets = core.resets;
  args.timeouts = core.timeouts;
  args.register_reads = core.reads;
  args.register_writes = core.writes;
  args.lut_loads = core.lut_loads;
  args.smmu_faults = smmu.faults;
  args.tlb_hits = smmu.tlb_hits;
  args.tlb_misses = smmu.tlb_misses;
  args.power_ups = core.power_ups;
  args.clock_enables = core.clock_enables;
  args.device_time_ns = file->core.time_ns();
  args.copied_bytes = live.copied_bytes;
  args.cpu_syncs = live.cpu_syncs;
  args.live_loadables = file->core.loadables();
  args.shared_pages = live.shared_pages;
  args.live_contexts = live.contexts;
  args.live_buffers = live.buffers;
  args.live_pages = live.pages;
  args.live_fences = live.fences;
  args.live_mappings = live.mappings;
  return 0;
}

}  // namespace medlar::driver
