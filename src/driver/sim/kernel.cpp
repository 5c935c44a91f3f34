// SPDX-License-Identifier: Apache-2.0
// The simulated kernel: construction, nodes, descriptors and dispatch.
#include "driver/sim/kernel.hpp"

#include "driver/sim/state.hpp"
#include "driver/sim/user_memory.hpp"

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
      mappings(soc->memory(), live),
      profile_(soc->config().profile),
      chip_(soc->config().chip->name) {
  for (uint32_t core = 0; core < soc->config().cores; ++core) {
    cores.push_back(std::make_unique<CoreDevice>(*soc, core, options));
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
  return files.add(std::make_shared<DeviceFile>(*cores[core], live));
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
    core->set_observer(observer);
  }
}

void Kernel::inject(uint32_t core, const FaultInjection& fault) {
  state_->cores.at(core)->inject(fault);
}
uint64_t Kernel::device_time_ns(uint32_t core) const {
  return state_->cores.at(core)->time_ns();
}

}  // namespace medlar::driver
