// SPDX-License-Identifier: Apache-2.0
// Calls that make and end contexts and buffers.
#include "driver/sim/messages.hpp"
#include "driver/sim/state.hpp"
#include "driver/sim/user_memory.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace medlar::driver {
namespace {

constexpr uint32_t kBufferFlags = MEDLAR_BUFFER_CONTIGUOUS | MEDLAR_BUFFER_SRAM | MEDLAR_BUFFER_READ_ONLY;

int error_of(const Error& error) {
  return error.code == Code::kResourceExhausted ? -MEDLAR_ENOMEM : -MEDLAR_EIO;
}

int copy_names(const medlar_loadable& args, LayerNames& layers) {
  if (args.names_size == 0) {
    return args.names == 0 ? 0 : -MEDLAR_EINVAL;
  }
  if (args.names_size > MEDLAR_MAX_NAMES_SIZE) {
    return -MEDLAR_EINVAL;
  }
  std::string bytes(args.names_size, '\0');
  if (const int error = copy_from_user(args.names, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
      error != 0) {
    return error;
  }
  if (bytes.back() != '\0') {
    return -MEDLAR_EINVAL;
  }
  std::vector<std::string> names;
  for (size_t at = 0; at < bytes.size(); at += names.back().size() + 1) {
    names.emplace_back(bytes.c_str() + at);
  }
  layers = std::make_shared<const std::vector<std::string>>(std::move(names));
  return 0;
}

}  // namespace

int Kernel::State::refuse(const File& file, int error, std::string_view why) {
  medlar_query_error record{};
  record.kind = MEDLAR_ERROR_DESCRIPTOR;
  record.error = error;
  record.op_index = -1;
  record.op_type = -1;
  const size_t size = std::min(why.size(), sizeof record.message - 1);
  std::copy_n(why.data(), size, record.message);
  file->errors->put(record);
  file->core.log(Severity::kError, why);
  return error;
}

int Kernel::State::create_context(const File& file, medlar_context& args) {
  if (args.priority > MEDLAR_PRIORITY_HIGH) {
    return -MEDLAR_EINVAL;
  }
  if (live.contexts++ >= kMaxContexts) {
    --live.contexts;
    return refuse(file, -MEDLAR_ENOSPC, fmt::format("all {} SMMU context banks are taken", kMaxContexts));
  }
  auto space = AddressSpace::create(*soc, soc::Soc::stream_of(file->core.index()));
  if (!space) {
    --live.contexts;
    return refuse(file, error_of(space.error()), space.error().message);
  }
  auto context = file->core.create_context(std::move(*space), args.priority);
  const std::lock_guard lock(file->mutex);
  args.context = file->next_context++;
  file->contexts.emplace(args.context, std::move(context));
  return 0;
}

int Kernel::State::destroy_context(const File& file, medlar_context& args) {
  std::shared_ptr<Context> context;
  std::vector<std::shared_ptr<Buffer>> orphans;  // destroyed when the last task is gone
  {
    const std::lock_guard lock(file->mutex);
    const auto found = file->contexts.find(args.context);
    if (found == file->contexts.end()) {
      return -MEDLAR_ENOENT;
    }
    context = found->second;
    file->contexts.erase(found);
    for (auto it = file->buffers.begin(); it != file->buffers.end();) {
      const bool owned = it->second->space() == context->space.get();
      if (owned) {
        orphans.push_back(std::move(it->second));
      }
      it = owned ? file->buffers.erase(it) : std::next(it);
    }
    const size_t places = std::erase_if(
        file->loadables, [&](const auto& entry) { return entry.second.context == args.context; });
    for (size_t i = 0; i < places; ++i) {
      file->core.remove_loadable();
    }
  }
  file->core.destroy_context(context);
  --live.contexts;
  return 0;
}

int Kernel::State::add_buffer(const File& file, std::shared_ptr<Pages> pages, medlar_buffer& args) {
  const std::shared_ptr<Context> context = file->context(args.context);
  if (!context) {
    return -MEDLAR_ENOENT;
  }
  args.size = pages->bytes();
  auto buffer =
      Buffer::create(context->space, std::move(pages), (args.flags & MEDLAR_BUFFER_READ_ONLY) == 0, live);
  if (!buffer) {
    return refuse(file, error_of(buffer.error()), buffer.error().message);
  }
  args.iova = (*buffer)->iova().value;
  const std::lock_guard lock(file->mutex);
  args.handle = file->next_handle++;
  file->buffers.emplace(args.handle, std::move(*buffer));
  return 0;
}

int Kernel::State::create_buffer(const File& file, medlar_buffer& args) {
  const bool sram = (args.flags & MEDLAR_BUFFER_SRAM) != 0;
  const bool contiguous = (args.flags & MEDLAR_BUFFER_CONTIGUOUS) != 0;
  if ((args.flags & ~kBufferFlags) != 0 || (sram && contiguous) || args.size == 0) {
    return -MEDLAR_EINVAL;
  }
  if (!file->context(args.context)) {
    return -MEDLAR_ENOENT;
  }
  const soc::Pool pool = sram ? soc::Pool::kSram : contiguous ? soc::Pool::kContiguous : soc::Pool::kPages;
  auto pages = Pages::allocate(soc->memory(), live, {pool, sram ? sram_bank(*file) : 0}, args.size);
  if (!pages) {
    return refuse(file, error_of(pages.error()),
                  fmt::format("buffer of {} bytes: {}", args.size, pages.error().message));
  }
  return add_buffer(file, std::move(*pages), args);
}

int Kernel::State::export_buffer(const File& file, medlar_buffer& args) {
  const std::shared_ptr<Buffer> buffer = file->buffer(args.handle);
  if (!buffer) {
    return -MEDLAR_ENOENT;
  }
  const int fd = files.add(buffer->pages());
  args.fd = fd < 0 ? -1 : fd;
  return fd < 0 ? fd : 0;
}

int Kernel::State::import_buffer(const File& file, medlar_buffer& args) {
  if ((args.flags & ~uint32_t{MEDLAR_BUFFER_READ_ONLY}) != 0) {
    return -MEDLAR_EINVAL;
  }
  std::shared_ptr<Pages> pages = files.get<Pages>(args.fd);
  if (!pages) {
    return -MEDLAR_EBADF;
  }
  if (pages->sram() && pages->allocation().bank != sram_bank(*file)) {
    return refuse(file, -MEDLAR_EOPNOTSUPP,
                  fmt::format("import: the SRAM of another core is not on the bus of {}", file->core.node()));
  }
  return add_buffer(file, std::move(pages), args);
}

uint32_t Kernel::State::sram_bank(const DeviceFile& file) const {
  return soc->memory().sram_banks() > 1 ? file.core.index() : 0;
}

int Kernel::State::sync_buffer(const File& file, medlar_sync& args) {
  constexpr uint32_t kFlags = MEDLAR_SYNC_READ | MEDLAR_SYNC_WRITE | MEDLAR_SYNC_END;
  const bool writes = (args.flags & MEDLAR_SYNC_WRITE) != 0;
  if ((args.flags & ~kFlags) != 0 || (args.flags & (MEDLAR_SYNC_READ | MEDLAR_SYNC_WRITE)) == 0) {
    return -MEDLAR_EINVAL;
  }
  std::shared_ptr<Pages> pages;
  if (args.handle != 0) {
    const std::shared_ptr<Buffer> buffer = file->buffer(args.handle);
    pages = buffer ? buffer->pages() : nullptr;
  } else {
    pages = files.get<Pages>(args.fd);
  }
  if (!pages) {
    return args.handle != 0 ? -MEDLAR_ENOENT : -MEDLAR_EBADF;
  }
  return (args.flags & MEDLAR_SYNC_END) != 0 ? pages->end_cpu(writes) : pages->begin_cpu(writes, args.timeout_ns);
}

int Kernel::State::add_loadable(const File& file, medlar_loadable& args) {
  LayerNames layers;
  if (const int error = copy_names(args, layers); error != 0) {
    return error;
  }
  const std::lock_guard lock(file->mutex);
  if (!file->contexts.contains(args.context)) {
    return -MEDLAR_ENOENT;
  }
  if (const int error = file->core.add_loadable(); error != 0) {
    return refuse(file, error,
                  fmt::format("all {} places for loadables of {} are taken", file->core.config().max_loadables,
                              file->core.node()));
  }
  args.loadable = file->next_loadable++;
  file->loadables.emplace(args.loadable, LoadableSlot{args.context, std::move(layers)});
  return 0;
}

int Kernel::State::remove_loadable(const File& file, medlar_loadable& args) {
  const std::lock_guard lock(file->mutex);
  const auto found = file->loadables.find(args.loadable);
  if (found == file->loadables.end() || found->second.context != args.context) {
    return -MEDLAR_ENOENT;
  }
  file->loadables.erase(found);
  file->core.remove_loadable();
  return 0;
}

int Kernel::State::destroy_buffer(const File& file, medlar_buffer& args) {
  std::shared_ptr<Buffer> doomed;
  const std::lock_guard lock(file->mutex);
  const auto found = file->buffers.find(args.handle);
  if (found == file->buffers.end()) {
    return -MEDLAR_ENOENT;
  }
  doomed = std::move(found->second);
  file->buffers.erase(found);
  return 0;
}

}  // namespace medlar::driver
