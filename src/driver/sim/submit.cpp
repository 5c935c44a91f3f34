// SPDX-License-Identifier: Apache-2.0
// Submission and waiting.
#include "driver/sim/messages.hpp"
#include "driver/sim/state.hpp"
#include "driver/sim/user_memory.hpp"

#include <fmt/format.h>

namespace medlar::driver {
namespace {

template <typename T>
int copy_array(uint64_t from, uint32_t count, std::vector<T>& to) {
  to.resize(count);
  return copy_from_user(from, {reinterpret_cast<uint8_t*>(to.data()), count * sizeof(T)});
}

/// The address list with buffers in place of handles. Holds every buffer that the task may touch.
int resolve(DeviceFile& file, const Context& context, const std::vector<medlar_address>& entries,
            std::vector<dla_address>& addresses, std::vector<std::shared_ptr<Buffer>>& buffers) {
  const std::lock_guard lock(file.mutex);
  addresses.reserve(entries.size());
  uint32_t last = 0;  // neighbours often lie in the same buffer, which is then the last of the list
  for (const medlar_address& entry : entries) {
    if (entry.reserved != 0) {
      return -MEDLAR_EINVAL;
    }
    if (entry.handle == 0) {
      addresses.push_back({});
      continue;
    }
    if (entry.handle != last) {
      const auto found = file.buffers.find(entry.handle);
      if (found == file.buffers.end() || found->second->space() != context.space.get()) {
        return -MEDLAR_ENOENT;  // unknown, or of another context: its IOVA means nothing here
      }
      buffers.push_back(found->second);
      last = entry.handle;
    }
    const Buffer& buffer = *buffers.back();
    if (entry.offset > buffer.pages()->bytes()) {
      return -MEDLAR_ERANGE;
    }
    addresses.push_back({.buffer = buffers.back().get(),
                         .iova = buffer.iova().value + entry.offset,
                         .bytes = buffer.pages()->bytes() - entry.offset,
                         .offset = entry.offset,
                         .sram = buffer.pages()->sram(),
                         .writable = buffer.writable()});
  }
  return 0;
}

/// The loadable that the submission names, if the context has it.
std::optional<LoadableSlot> find_loadable(DeviceFile& file, const medlar_submit& args) {
  const std::lock_guard lock(file.mutex);
  const auto found = file.loadables.find(args.loadable);
  return found != file.loadables.end() && found->second.context == args.context ? std::optional(found->second)
                                                                                : std::nullopt;
}

}  // namespace

int Kernel::State::submit(const File& file, medlar_submit& args) {
  const std::shared_ptr<Context> context = file->context(args.context);
  if (!context) {
    return -MEDLAR_ENOENT;
  }
  const std::optional<LoadableSlot> loadable = find_loadable(*file, args);
  if (!loadable) {
    return refuse(file, -MEDLAR_ENOENT, fmt::format("submit: context {} has no loadable {}", args.context, args.loadable));
  }
  if (args.address_size != sizeof(medlar_address) || args.num_in_fences > MEDLAR_MAX_IN_FENCES ||
      args.num_addresses == 0 || args.num_addresses > file->core.config().max_addresses) {
    return refuse(
        file, -MEDLAR_EINVAL,
        fmt::format("submit: {} addresses of {} bytes, {} fences; limits {}, {}, {}", args.num_addresses,
                    args.address_size, args.num_in_fences, file->core.config().max_addresses,
                    sizeof(medlar_address), MEDLAR_MAX_IN_FENCES));
  }
  std::vector<medlar_address> entries;
  std::vector<int32_t> fence_fds;
  std::vector<dla_address> addresses;
  auto record = std::make_shared<TaskRecord>();
  int error = copy_array(args.addresses, args.num_addresses, entries);
  error = error != 0 ? error : copy_array(args.in_fences, args.num_in_fences, fence_fds);
  error = error != 0 ? error : resolve(*file, *context, entries, addresses, record->buffers);
  if (error != 0) {
    return error;
  }
  std::vector<std::shared_ptr<Fence>> in_fences;
  for (const int32_t fd : fence_fds) {
    in_fences.push_back(files.get<Fence>(fd));
    if (!in_fences.back()) {
      return -MEDLAR_EBADF;
    }
  }
  const dla_request request{
      .addresses = addresses.data(), .num_addresses = args.num_addresses, .timeout_ns = args.timeout_ns};
  medlar_query_error reason{};
  dla_task* task = nullptr;
  error = dla_task_create(&file->core.port(), &file->core.config(), &request, &task, &reason);
  if (error != 0) {
    compose_message(reason);
    file->errors->put(reason);
    file->core.log(Severity::kError, error_text(reason, {}, loadable->layers));
    return error;
  }
  record->context = context;
  record->fence = std::make_shared<Fence>(live.fences, &file->core);
  record->errors = file->errors;
  record->layers = loadable->layers;
  const int fd = files.add(record->fence);
  if (fd < 0) {
    record->fence->closed();
    record->fence->signal(fd);
    dla_task_destroy(&file->core.port(), task);
    return fd;
  }
  for (const std::shared_ptr<Buffer>& buffer : record->buffers) {
    buffer->pages()->reserve(context.get(), record->fence, buffer->writable());
  }
  args.out_fence = fd;
  args.serial = file->core.submit(task, std::move(record), in_fences);
  return 0;
}

int Kernel::State::wait_fence(const File&, medlar_wait_fence& args) {
  const std::shared_ptr<Fence> fence = files.get<Fence>(args.fence);
  if (!fence) {
    return -MEDLAR_EBADF;
  }
  if (args.timeout_ns < 0 && !fence->signalled()) {
    fence->core()->help(*fence);
  }
  const std::optional<int> status = fence->wait(args.timeout_ns);
  args.status = status.value_or(0);
  return status ? 0 : -MEDLAR_ETIME;
}

}  // namespace medlar::driver
