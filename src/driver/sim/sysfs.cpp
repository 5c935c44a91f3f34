// SPDX-License-Identifier: Apache-2.0
// Files of /dev, /proc and /sys.
#include "driver/sim/sysfs.hpp"

#include <fmt/format.h>

namespace medlar::driver {
namespace {

using Files = std::map<std::string, std::string>;

constexpr double kNsPerMs = 1e6;

std::string text(uint64_t value) {
  return fmt::format("{}\n", value);
}

/// What one core shows.
struct CoreView {
  Kernel::State& state;
  uint32_t core;
  const CoreDevice* device;  ///< Null: disabled.
  soc::PowerStats power;
  std::string domain;
  uint64_t hz;  ///< 0 while gated or off.
};

CoreView view_of(Kernel::State& state, uint32_t core) {
  CoreView view{state, core, state.cores[core].get(), {}, state.soc->power(core).name(), 0};
  view.power = state.soc->power(core).stats(view.device != nullptr ? view.device->time_ns() : 0);
  view.hz = view.power.state == soc::PowerState::kOn ? state.soc->mode().dla_hz : 0;
  return view;
}

void add_memory(Files& files, Kernel::State& state) {
  const soc::Memory& memory = state.soc->memory();
  const soc::ExtentStats cma = memory.stats(soc::Pool::kContiguous);
  const soc::ExtentStats pages = memory.stats(soc::Pool::kPages);
  const soc::ExtentStats cuda = memory.stats(soc::Pool::kCuda);
  const auto kib = [](uint64_t bytes) { return bytes / 1024; };
  uint64_t reserved = 0;
  std::string map;
  for (const soc::Memory::Region& region : memory.regions()) {
    const bool carve_out = region.name != "os" && region.name != "cuda" && region.name != "pages" && region.name != "cma";
    reserved += carve_out ? region.extent.bytes : 0;
    map += fmt::format("{:010x}-{:010x} : {}{}\n", region.extent.base.value,
                       region.extent.base.value + region.extent.bytes - 1, region.name, carve_out ? " (carve-out)" : "");
  }
  files["/proc/iomem"] = map;
  files["/proc/meminfo"] = fmt::format(
      "MemTotal:       {:>12} kB\nMemFree:        {:>12} kB\nCmaTotal:       {:>12} kB\nCmaFree:        {:>12} kB\n"
      "CudaTotal:      {:>12} kB\nCudaFree:       {:>12} kB\nReserved:       {:>12} kB\n",
      kib(memory.config().dram_bytes - reserved), kib(pages.free + cma.free + cuda.free), kib(cma.total), kib(cma.free),
      kib(cuda.total), kib(cuda.free), kib(reserved));
  const std::string base = "/sys/kernel/debug/cma/linux,cma/";
  files[base + "count"] = text(cma.total / soc::kPageBytes);
  files[base + "used"] = text((cma.total - cma.free) / soc::kPageBytes);
  files[base + "maxchunk"] = text(cma.largest_free / soc::kPageBytes);
  files[base + "most_used"] = text(cma.most_used / soc::kPageBytes);
  files[base + "alloc_pages_fail"] = text(cma.failures);
  files[base + "allocations"] = text(cma.allocations);
  files[base + "fragmentation"] = fmt::format("{:.3f}\n", cma.fragmentation());
  std::string runs;
  for (const uint64_t count : cma.free_runs) {
    runs += fmt::format("{} ", count);
  }
  files[base + "free_runs"] = runs + "\n";
}

void add_smmu(Files& files, Kernel::State& state) {
  const soc::SmmuCounters c = state.soc->smmu().counters();
  const std::string base = "/sys/kernel/debug/iommu/smmu/";
  files[base + "tlb"] =
      fmt::format("hits {}\nmisses {}\ninvalidations {}\n", c.tlb_hits, c.tlb_misses, c.tlb_invalidations);
  files[base + "faults"] =
      fmt::format("translation {}\npermission {}\n", c.faults - c.permission_faults, c.permission_faults);
  files[base + "mappings"] = fmt::format("pages {}\nleaves_4k {}\nleaves_64k {}\nleaves_2m {}\ntable_pages {}\n"
                                         "context_banks {}\n",
                                         c.mapped_pages, c.leaves.small, c.leaves.medium, c.leaves.large, c.table_pages,
                                         c.banks);
  std::string masters;
  const auto add = [&](std::string_view name, soc::StreamId stream, soc::Traffic traffic) {
    masters += fmt::format("{:<8} stream {:#04x} bank {} read {} written {}\n", name, stream,
                           state.soc->smmu().bank_of(stream), traffic.read, traffic.written);
  };
  for (uint32_t core = 0; core < state.cores.size(); ++core) {
    add(fmt::format("nvdla{}", core), soc::Soc::stream_of(core), state.soc->traffic(core));
  }
  for (const soc::PeerEngine& peer : state.soc->peers()) {
    add(peer.name, peer.port->stream(), peer.port->traffic());
  }
  files[base + "masters"] = masters;
  files["/sys/kernel/debug/dma_buf/bufinfo"] =
      fmt::format("pages {}\nshared_pages {}\nbuffers {}\nmappings {}\ncopied_descriptor_bytes {}\ncpu_syncs {}\n",
                  state.live.pages.load(), state.live.shared_pages.load(), state.live.buffers.load(),
                  state.live.mappings.load(), state.live.copied_bytes.load(), state.live.cpu_syncs.load());
}

void add_clocks(Files& files, Kernel::State& state) {
  std::string clocks = "                                 enable  prepare\n   clock                          count    count        rate\n"
                       "--------------------------------------------------------------\n";
  std::string domains = "domain                          status         on (ms)  clock-gated (ms)     off (ms)\n"
                        "---------------------------------------------------------------------------------------\n";
  for (uint32_t core = 0; core < state.cores.size(); ++core) {
    const CoreView view = view_of(state, core);
    const bool enabled = view.hz != 0;
    clocks += fmt::format("   {:<28} {:>8} {:>8} {:>11}\n", fmt::format("dla{}_core", core), enabled ? 1 : 0,
                          view.power.state == soc::PowerState::kOff ? 0 : 1, state.soc->mode().dla_hz);
    const auto ms = [&](soc::PowerState s) {
      return static_cast<double>(view.power.residency_ns[static_cast<size_t>(s)]) / kNsPerMs;
    };
    domains += fmt::format("{:<30}  {:<12} {:>9.3f}  {:>16.3f}  {:>11.3f}\n", view.domain,
                           soc::power_state_name(view.power.state), ms(soc::PowerState::kOn),
                           ms(soc::PowerState::kGated), ms(soc::PowerState::kOff));
    const std::string regulator = "/sys/kernel/debug/bpmp/debug/regulator/" + view.domain + "/";
    files[regulator + "name"] = view.domain + "\n";
    files[regulator + "supply"] = std::string(state.soc->config().platform->regulator) + "\n";
    files[regulator + "enabled"] = text(view.power.state == soc::PowerState::kOff ? 0 : 1);
  }
  files["/sys/kernel/debug/clk/clk_summary"] = clocks;
  files["/sys/kernel/debug/pm_genpd/pm_genpd_summary"] = domains;
  std::string modes;
  for (const hw::PowerMode& mode : state.soc->config().modes) {
    modes += fmt::format("{}{} dla_hz {} dram_bytes_per_second {}\n", &mode == &state.soc->mode() ? "* " : "  ", mode.name,
                         mode.dla_hz, mode.dram_bytes_per_second);
  }
  files["/sys/kernel/debug/nvpmodel/modes"] = modes;
}

void add_counters(Files& files, const CoreView& view, const std::string& base) {
  const dla_counters c = view.state.cores[view.core]->counters();
  files[base + "counters"] = fmt::format(
      "tasks_submitted {}\ntasks_completed {}\ntasks_failed {}\noperations {}\ninterrupts {}\nspurious_interrupts {}\n"
      "resets {}\ntimeouts {}\nregister_reads {}\nregister_writes {}\nlut_loads {}\npower_ups {}\nclock_enables {}\n",
      c.submitted, c.completed, c.failed, c.operations, c.interrupts, c.spurious, c.resets, c.timeouts, c.reads, c.writes,
      c.lut_loads, c.power_ups, c.clock_enables);
  files[base + "loadables"] =
      fmt::format("{} of {}\n", view.state.cores[view.core]->loadables(), view.device->config().max_loadables);
  files[base + "device_time_ns"] = text(view.device->time_ns());
}

void add_core(Files& files, Kernel::State& state, uint32_t core) {
  const CoreView view = view_of(state, core);
  const hw::Platform& platform = *state.soc->config().platform;
  const std::string device = "/sys/devices/platform/" + state.soc->device_name(core) + "/";
  files[device + "of_node/compatible"] = std::string(platform.compatible) + "\n";
  files[device + "of_node/status"] = view.device != nullptr ? "okay\n" : "disabled\n";
  if (view.device == nullptr) {
    return;
  }
  files[device + "power/runtime_status"] = view.power.state == soc::PowerState::kOn ? "active\n" : "suspended\n";
  files[device + "power/autosuspend_delay_ms"] = text(platform.power_idle_us / 1000);
  files[device + fmt::format("acm/clk_cap/dla{}_core", core)] = text(state.soc->mode().dla_hz);
  const uint32_t bank = state.soc->memory().sram_banks() > 1 ? core : 0;
  const soc::ExtentStats sram = state.soc->memory().stats(soc::Pool::kSram, bank);
  files[device + "sram"] = fmt::format("total {}\nfree {}\n", sram.total, sram.free);
  files["/dev/" + view.device->node()] =
      fmt::format("character device of {}: {} loadables, power {}\n", state.soc->device_name(core),
                  state.cores[core]->loadables(), soc::power_state_name(view.power.state));
  files["/proc/interrupts"] += fmt::format("{:>4}: {:>10}     GICv3 {:>4} Level     {}\n", core + 40,
                                           state.cores[core]->counters().interrupts, platform.irq[core],
                                           state.soc->device_name(core));
  add_counters(files, view, fmt::format("/sys/kernel/debug/nvdla{}/", core));
}

}  // namespace

std::map<std::string, std::string> sysfs_files(Kernel::State& state) {
  Files files;
  add_memory(files, state);
  add_smmu(files, state);
  add_clocks(files, state);
  for (uint32_t core = 0; core < state.cores.size(); ++core) {
    add_core(files, state, core);
  }
  const uint64_t users = state.live.contexts;
  files["/proc/modules"] = fmt::format("nvdla 131072 {} - Live 0x0000000000000000\n", users);
  return files;
}

}  // namespace medlar::driver
