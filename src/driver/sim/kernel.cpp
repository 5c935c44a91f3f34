// SPDX-License-Identifier: Apache-2.0
// The simulated kernel: construction, nodes, descriptors and dispatch.
#include "driver/sim/kernel.hpp"

#include "driver/sim/state.hpp"
#include "driver/sim/sysfs.hpp"
#include "driver/sim/user_memory.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace medlar::driver {
namespace {

Kernel::State& state_of(void* self) {
  return *static_cast<Kernel::State*>(self);
}

/// map offsets: the handle above, the byte below.
constexpr int kHandleShift = 40;

}  // namespace

Kernel::State::State(KernelOptions options, std::unique_ptr<soc::Soc> module)
    : soc(std::move(module)),
      log(options.log),
      mappings(soc->memory(), live),
      profile_(soc->config().profile),
      chip_(soc->config().chip->name) {
  log_boot();
  for (uint32_t core = 0; core < soc->config().cores; ++core) {
    if (std::ranges::count(options.disabled_cores, core) != 0) {
      log.add({0, Severity::kWarning, fmt::format("nvdla {}: disabled in the device tree", soc->device_name(core))});
      cores.push_back(nullptr);
    } else {
      cores.push_back(std::make_unique<CoreDevice>(*soc, log, core, options));
    }
  }
  seam.self = this;
  seam.open = [](void* self, const char* node) { return state_of(self).open(node == nullptr ? "" : node); };
  seam.close = [](void* self, int fd) { return state_of(self).files.close(fd); };
  seam.ioctl = [](void* self, int fd, uint32_t request, void* argument) {
    return state_of(self).ioctl(fd, request, argument);
  };
  seam.map = [](void* self, int fd, uint64_t offset, uint64_t size) {
    return state_of(self).map(fd, offset, size);
  };
  seam.unmap = [](void* self, void* address, uint64_t size) {
    return state_of(self).mappings.unmap(address, size);
  };
}

Kernel::State::~State() {
  files.close_all();
  cores.clear();
}

/// What the kernel says of the module's memory before the first driver probes.
void Kernel::State::log_boot() {
  const auto add = [&](std::string text) { log.add({0, Severity::kInfo, std::move(text)}); };
  const auto mib = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  add(fmt::format("Machine model: Medlar {} ({})", profile_, soc->config().platform->name));
  for (const soc::Memory::Region& region : soc->memory().regions()) {
    const uint64_t base = region.extent.base.value;
    if (region.name == "cma") {
      add(fmt::format("cma: Reserved {:.0f} MiB at {:#010x}", mib(region.extent.bytes), base));
    } else {
      const bool carve_out = region.name != "os" && region.name != "cuda" && region.name != "pages";
      add(fmt::format("{}: [mem {:#010x}-{:#010x}] {:.0f} MiB {}", carve_out ? "OF: reserved mem" : "Memory", base,
                      base + region.extent.bytes - 1, mib(region.extent.bytes), region.name));
    }
  }
  add(fmt::format("arm-smmu: stage 1 translation, {} context banks, 4 KiB, 64 KiB and 2 MiB pages", kMaxContexts));
}

uint64_t Kernel::State::time_ns() const {
  uint64_t latest = 0;
  for (const auto& core : cores) {
    latest = std::max(latest, core ? core->time_ns() : 0);
  }
  return latest;
}

Result<Peer*> Kernel::State::peer(std::string_view name) {
  const std::lock_guard lock(peer_mutex);
  for (const auto& peer : peers) {
    if (peer->name() == name) {
      return peer.get();
    }
  }
  for (const soc::PeerEngine& engine : soc->peers()) {
    if (engine.name == name) {
      MEDLAR_ASSIGN(auto made, Peer::create(*soc, live, engine));
      return peers.emplace_back(std::move(made)).get();
    }
  }
  return fail(Code::kNotFound, "no engine '{}': known are gpu, cpu, isp, vi", name);
}

int Kernel::State::open(std::string_view node) {
  constexpr std::string_view kDirectory = "/dev/";
  constexpr std::string_view kName = MEDLAR_DEVICE_NODE;
  if (node.starts_with(kDirectory)) {
    node.remove_prefix(kDirectory.size());
  }
  if (!node.starts_with(kName)) {
    return -MEDLAR_ENOENT;
  }
  node.remove_prefix(kName.size());
  uint32_t core = 0;
  const auto [end, error] = std::from_chars(node.data(), node.data() + node.size(), core);
  const bool canonical =
      error == std::errc() && end == node.data() + node.size() && (node.size() == 1 || node[0] != '0');
  if (!canonical || core >= cores.size()) {
    return -MEDLAR_ENOENT;
  }
  return cores[core] ? files.add(std::make_shared<DeviceFile>(*cores[core], live)) : -MEDLAR_ENODEV;
}

template <typename T>
int Kernel::State::call(int (State::*function)(const File&, T&), const File& file, void* argument) {
  T args{};
  if (const int error = get_argument(argument, args); error != 0) {
    return error;
  }
  const uint32_t struct_size = args.struct_size;
  if (args.reserved != 0) {
    return -MEDLAR_EINVAL;
  }
  const int result = (this->*function)(file, args);
  put_argument(argument, args, struct_size);
  return result;
}

int Kernel::State::ioctl(int fd, uint32_t request, void* argument) {
  const File file = files.get<DeviceFile>(fd);
  if (!file) {
    return -MEDLAR_EBADF;
  }
  switch (request) {
    case MEDLAR_QUERY_DEVICE:
      return call(&State::query_device, file, argument);
    case MEDLAR_CREATE_CONTEXT:
      return call(&State::create_context, file, argument);
    case MEDLAR_DESTROY_CONTEXT:
      return call(&State::destroy_context, file, argument);
    case MEDLAR_CREATE_BUFFER:
      return call(&State::create_buffer, file, argument);
    case MEDLAR_EXPORT_BUFFER:
      return call(&State::export_buffer, file, argument);
    case MEDLAR_IMPORT_BUFFER:
      return call(&State::import_buffer, file, argument);
    case MEDLAR_MAP_BUFFER:
      return call(&State::map_buffer, file, argument);
    case MEDLAR_DESTROY_BUFFER:
      return call(&State::destroy_buffer, file, argument);
    case MEDLAR_SUBMIT:
      return call(&State::submit, file, argument);
    case MEDLAR_WAIT_FENCE:
      return call(&State::wait_fence, file, argument);
    case MEDLAR_QUERY_COUNTERS:
      return call(&State::query_counters, file, argument);
    case MEDLAR_ADD_LOADABLE:
      return call(&State::add_loadable, file, argument);
    case MEDLAR_REMOVE_LOADABLE:
      return call(&State::remove_loadable, file, argument);
    case MEDLAR_SYNC_BUFFER:
      return call(&State::sync_buffer, file, argument);
    case MEDLAR_QUERY_ERROR: {
      medlar_query_error args{};
      if (const int error = get_argument(argument, args); error != 0) {
        return error;
      }
      const uint32_t struct_size = args.struct_size;
      args = file->errors->get();
      put_argument(argument, args, struct_size);
      return 0;
    }
    default:
      return -MEDLAR_ENOTTY;
  }
}

int Kernel::State::map_buffer(const File& file, medlar_buffer& args) {
  if (!file->buffer(args.handle)) {
    return -MEDLAR_ENOENT;
  }
  args.map_offset = uint64_t{args.handle} << kHandleShift;
  return 0;
}

void* Kernel::State::map(int fd, uint64_t offset, uint64_t size) {
  if (std::shared_ptr<Pages> pages = files.get<Pages>(fd)) {
    return mappings.map(std::move(pages), offset, size);
  }
  const File file = files.get<DeviceFile>(fd);
  const std::shared_ptr<Buffer> buffer =
      file ? file->buffer(static_cast<uint32_t>(offset >> kHandleShift)) : nullptr;
  if (!buffer) {
    return nullptr;
  }
  return mappings.map(buffer->pages(), offset & ((uint64_t{1} << kHandleShift) - 1), size);
}

Kernel::Kernel(std::unique_ptr<State> state) : state_(std::move(state)) {}
Kernel::~Kernel() = default;

Result<std::unique_ptr<Kernel>> Kernel::create(KernelOptions options) {
  MEDLAR_ASSIGN(auto soc, soc::Soc::create(options.soc));
  return std::unique_ptr<Kernel>(new Kernel(std::make_unique<State>(std::move(options), std::move(soc))));
}

const medlar_kernel* Kernel::seam() const {
  return &state_->seam;
}
soc::Soc& Kernel::soc() {
  return *state_->soc;
}

void Kernel::set_observer(CompletedOpObserver observer) {
  for (const auto& core : state_->cores) {
    if (core) {
      core->set_observer(observer);
    }
  }
}

void Kernel::inject(uint32_t core, const FaultInjection& fault) {
  state_->cores.at(core)->inject(fault);
}
uint64_t Kernel::device_time_ns(uint32_t core) const {
  return state_->cores.at(core)->time_ns();
}
void Kernel::idle(uint32_t core, uint64_t ns) {
  state_->cores.at(core)->idle(ns);
}
void Kernel::idle_until(uint32_t core, uint64_t until) {
  state_->cores.at(core)->idle_until(until);
}

Status Kernel::set_power_mode(std::string_view name) {
  MEDLAR_TRY(state_->soc->set_mode(name));
  const hw::PowerMode& mode = state_->soc->mode();
  state_->log.add({state_->time_ns(), Severity::kInfo,
                   fmt::format("nvpmodel: mode {}, DLA cores at {} kHz", mode.name, mode.dla_hz / 1000)});
  return {};
}

std::vector<LogLine> Kernel::log() const {
  return state_->log.lines();
}

std::map<std::string, std::string> Kernel::sysfs() const {
  return sysfs_files(*state_);
}

Result<Peer*> Kernel::peer(std::string_view name) {
  return state_->peer(name);
}

Result<std::shared_ptr<Pages>> Kernel::shared_pages(int fd) {
  std::shared_ptr<Pages> pages = state_->files.get<Pages>(fd);
  if (!pages) {
    return fail(Code::kNotFound, "descriptor {} is not a shared buffer", fd);
  }
  return pages;
}

int Kernel::export_pages(std::shared_ptr<Pages> pages) {
  return state_->files.add(std::move(pages));
}

}  // namespace medlar::driver
