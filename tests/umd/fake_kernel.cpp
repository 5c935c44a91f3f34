// SPDX-License-Identifier: Apache-2.0
#include "umd/fake_kernel.hpp"

#include <algorithm>
#include <cstring>

namespace medlar::test {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

FakeKernel::FakeKernel() {
  api.self = this;
  api.open = [](void* self, const char* node) { return static_cast<FakeKernel*>(self)->open(node); };
  api.close = [](void* self, int fd) { return static_cast<FakeKernel*>(self)->close(fd); };
  api.ioctl = [](void* self, int, uint32_t request, void* arg) {
    return static_cast<FakeKernel*>(self)->ioctl(request, arg);
  };
  api.map = [](void* self, int fd, uint64_t offset, uint64_t) {
    return static_cast<FakeKernel*>(self)->map(fd, offset);
  };
  api.unmap = [](void* self, void*, uint64_t) {
    auto* kernel = static_cast<FakeKernel*>(self);
    const std::lock_guard lock(kernel->mutex_);
    --kernel->live_maps;
    return 0;
  };
}

int FakeKernel::open(const char* node) {
  const std::lock_guard lock(mutex_);
  for (uint32_t core = 0; core < cores; ++core) {
    if (node == MEDLAR_DEVICE_NODE + std::to_string(core)) {
      ++live_fds;
      return next_fd_++;
    }
  }
  return -MEDLAR_ENODEV;
}

int FakeKernel::close(int) {
  const std::lock_guard lock(mutex_);
  --live_fds;
  return 0;
}

void* FakeKernel::map(int fd, uint64_t offset) {
  const std::lock_guard lock(mutex_);
  ++live_maps;
  const uint32_t handle = shared_.contains(fd) ? shared_[fd] : static_cast<uint32_t>(offset / kPage);
  return buffers_.at(handle)->data();
}

int FakeKernel::create_buffer(medlar_buffer& args) {
  const uint64_t size = (args.size + kPage - 1) / kPage * kPage;
  if ((args.flags & MEDLAR_BUFFER_CONTIGUOUS) != 0 && size > cma_free) {
    return -MEDLAR_ENOMEM;
  }
  args.handle = next_handle_++;
  args.size = size;
  args.iova = args.handle * 0x100000ull;
  buffers_[args.handle] = std::make_shared<std::vector<uint8_t>>(size);
  ++live_buffers;
  return 0;
}

int FakeKernel::share_buffer(uint32_t request, medlar_buffer& args) {
  if (request == MEDLAR_EXPORT_BUFFER) {
    args.fd = next_fd_++;
    shared_[args.fd] = args.handle;
    ++live_fds;
    return 0;
  }
  if (!shared_.contains(args.fd)) {
    return -MEDLAR_EBADF;
  }
  args.handle = next_handle_++;
  buffers_[args.handle] = buffers_.at(shared_[args.fd]);
  args.size = buffers_[args.handle]->size();
  ++live_buffers;
  return 0;
}

int FakeKernel::submit(medlar_submit& args) {
  last_error_ = {};
  if (refuse_submit != 0) {
    last_error_.kind = MEDLAR_ERROR_DESCRIPTOR;
    last_error_.error = refuse_submit;
    std::snprintf(last_error_.message, sizeof(last_error_.message), "%s", reason.c_str());
    return refuse_submit;
  }
  Submission s;
  const auto* addresses = reinterpret_cast<const medlar_address*>(args.addresses);
  const auto* fences = reinterpret_cast<const int32_t*>(args.in_fences);
  s.addresses.assign(addresses, addresses + args.num_addresses);
  s.in_fences.assign(fences, fences + args.num_in_fences);
  s.serial = args.serial = next_serial_++;
  s.fence = args.out_fence = next_fd_++;
  ++live_fds;
  const int status = task_status ? task_status(s) : 0;
  fence_status_[s.fence] = status;
  if (status != 0) {
    last_error_.kind = MEDLAR_ERROR_TRANSLATION;
    last_error_.error = status;
    last_error_.serial = s.serial;
    std::snprintf(last_error_.message, sizeof(last_error_.message), "sdp: read of 0x1000 is not mapped");
  }
  submissions.push_back(std::move(s));
  return 0;
}

int FakeKernel::wait(medlar_wait_fence& args) {
  if (fences_hang) {
    return -MEDLAR_ETIME;
  }
  if (!fence_status_.contains(args.fence)) {
    return -MEDLAR_EBADF;
  }
  args.status = fence_status_[args.fence];
  return 0;
}

void FakeKernel::query(medlar_query_device& args) const {
  const uint32_t size = args.struct_size;
  args = {};
  args.struct_size = size;
  args.uapi_version = MEDLAR_UAPI_VERSION;
  args.descriptor_version = MEDLAR_DESCRIPTOR_VERSION;
  args.num_cores = cores;
  args.max_addresses = 6144;
  args.memory_atom = 32;
  args.page_size = kPage;
  args.cma_bytes = 1 << 20;
  args.cma_free = cma_free;
  args.cma_largest_free = cma_free / 2;
  args.sram_bytes = sram_bytes;
  std::memset(args.profile, 'p',
              sizeof(args.profile));  // No terminator: user mode must not run past the field.
}

int FakeKernel::query_error(medlar_query_error& args) const {
  const uint32_t size = args.struct_size;
  args = last_error_;
  args.struct_size = size;
  return 0;
}

int FakeKernel::ioctl(uint32_t request, void* arg) {
  const std::lock_guard lock(mutex_);
  switch (request) {
    case MEDLAR_QUERY_DEVICE:
      query(*static_cast<medlar_query_device*>(arg));
      return 0;
    case MEDLAR_CREATE_CONTEXT:
      static_cast<medlar_context*>(arg)->context = next_context_++;
      ++live_contexts;
      return 0;
    case MEDLAR_DESTROY_CONTEXT:
      --live_contexts;
      return 0;
    case MEDLAR_CREATE_BUFFER:
      return create_buffer(*static_cast<medlar_buffer*>(arg));
    case MEDLAR_EXPORT_BUFFER:
    case MEDLAR_IMPORT_BUFFER:
      return share_buffer(request, *static_cast<medlar_buffer*>(arg));
    case MEDLAR_MAP_BUFFER: {
      auto* args = static_cast<medlar_buffer*>(arg);
      args->map_offset = args->handle * kPage;
      return 0;
    }
    case MEDLAR_DESTROY_BUFFER:
      buffers_.erase(static_cast<medlar_buffer*>(arg)->handle);
      --live_buffers;
      return 0;
    case MEDLAR_ADD_LOADABLE:
      static_cast<medlar_loadable*>(arg)->loadable = ++live_loadables;
      return 0;
    case MEDLAR_REMOVE_LOADABLE:
      --live_loadables;
      return 0;
    case MEDLAR_SUBMIT:
      return submit(*static_cast<medlar_submit*>(arg));
    case MEDLAR_WAIT_FENCE:
      return wait(*static_cast<medlar_wait_fence*>(arg));
    case MEDLAR_QUERY_COUNTERS:
      static_cast<medlar_query_counters*>(arg)->tasks_submitted = submissions.size();
      return 0;
    case MEDLAR_QUERY_ERROR:
      return query_error(*static_cast<medlar_query_error*>(arg));
    default:
      return -MEDLAR_ENOTTY;
  }
}

}  // namespace medlar::test
