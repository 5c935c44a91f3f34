// SPDX-License-Identifier: Apache-2.0
#include "umd/buffer.hpp"

namespace medlar::umd {
namespace {

/// Why an allocation failed, with the figures that a user needs to act.
tl::unexpected<Error> allocation_error(const Context& context, uint64_t size, const BufferOptions& options,
                                       int error) {
  const std::string what =
      fmt::format("{}: allocate {} bytes{}{}", context.device().info().node, size,
                  options.contiguous ? " contiguous" : "", options.sram ? " of SRAM" : "");
  const auto now = context.device().query();
  if (!now) {
    return kernel_error(what, error);
  }
  if (options.sram) {
    return fail(errno_code(error), "{}: {} ({} of {} bytes free)", what, errno_name(error), now->sram_free,
                now->sram_bytes);
  }
  if (options.contiguous) {
    return fail(errno_code(error), "{}: {} (CMA: {} of {} bytes free, longest run {})", what,
                errno_name(error), now->cma_free, now->cma_bytes, now->cma_largest_free);
  }
  return fail(errno_code(error), "{}: {} (DRAM: {} bytes in all)", what, errno_name(error), now->dram_bytes);
}

uint32_t flags_of(const BufferOptions& options) {
  uint32_t flags = 0;
  flags |= options.contiguous ? uint32_t{MEDLAR_BUFFER_CONTIGUOUS} : 0;
  flags |= options.sram ? uint32_t{MEDLAR_BUFFER_SRAM} : 0;
  flags |= options.read_only ? uint32_t{MEDLAR_BUFFER_READ_ONLY} : 0;
  return flags;
}

}  // namespace

Result<std::shared_ptr<Buffer>> Buffer::create(std::shared_ptr<Context> context, uint64_t size,
                                               const BufferOptions& options) {
  medlar_buffer args{};
  args.context = context->id();
  args.size = size;
  args.flags = flags_of(options);
  if (const int error = context->fd().call(MEDLAR_CREATE_BUFFER, args); error < 0) {
    return allocation_error(*context, size, options, error);
  }
  std::shared_ptr<Buffer> buffer(new Buffer(std::move(context)));
  buffer->size_ = args.size;
  buffer->iova_ = args.iova;
  buffer->handle_ = args.handle;
  return buffer;
}

Result<std::shared_ptr<Buffer>> Buffer::import(std::shared_ptr<Context> context, int fd, bool read_only) {
  medlar_buffer args{};
  args.context = context->id();
  args.fd = fd;
  args.flags = flags_of({.read_only = read_only});
  if (const int error = context->fd().call(MEDLAR_IMPORT_BUFFER, args); error < 0) {
    return kernel_error(
        fmt::format("{}: import buffer from descriptor {}", context->device().info().node, fd), error);
  }
  std::shared_ptr<Buffer> buffer(new Buffer(std::move(context)));
  buffer->size_ = args.size;
  buffer->iova_ = args.iova;
  buffer->handle_ = args.handle;
  return buffer;
}

Buffer::~Buffer() {
  if (mapping_) {
    const medlar_kernel& kernel = context_->fd().kernel();
    kernel.unmap(kernel.self, mapping_, size_);
  }
  medlar_buffer args{};
  args.handle = handle_;
  context_->fd().call(MEDLAR_DESTROY_BUFFER, args);
}

Result<MutableBytes> Buffer::map() {
  const std::lock_guard lock(map_mutex_);
  if (!mapping_) {
    medlar_buffer args{};
    args.handle = handle_;
    const KernelFd& fd = context_->fd();
    if (const int error = fd.call(MEDLAR_MAP_BUFFER, args); error < 0) {
      return kernel_error(
          fmt::format("{}: map buffer {} of {} bytes", context_->device().info().node, handle_, size_),
          error);
    }
    mapping_ = fd.kernel().map(fd.kernel().self, fd.get(), args.map_offset, size_);
    if (!mapping_) {
      return fail(Code::kResourceExhausted, "{}: cannot map buffer {} of {} bytes",
                  context_->device().info().node, handle_, size_);
    }
  }
  return MutableBytes(static_cast<uint8_t*>(mapping_), size_);
}

Result<KernelFd> Buffer::export_fd() const {
  medlar_buffer args{};
  args.handle = handle_;
  if (const int error = context_->fd().call(MEDLAR_EXPORT_BUFFER, args); error < 0) {
    return kernel_error(fmt::format("{}: export buffer {}", context_->device().info().node, handle_), error);
  }
  return KernelFd(context_->fd().kernel(), args.fd);
}

}  // namespace medlar::umd
