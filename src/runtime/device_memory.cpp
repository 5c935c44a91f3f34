// SPDX-License-Identifier: Apache-2.0
#include "runtime/device_memory.hpp"

#include <algorithm>

namespace medlar::runtime {

Result<std::shared_ptr<DeviceMemory>> DeviceMemory::allocate(const std::shared_ptr<umd::Context>& home,
                                                             uint64_t bytes,
                                                             const umd::BufferOptions& options) {
  MEDLAR_ASSIGN(auto buffer, umd::Buffer::create(home, bytes, options));
  return std::shared_ptr<DeviceMemory>(new DeviceMemory(std::move(buffer)));
}

Result<std::shared_ptr<DeviceMemory>> DeviceMemory::import(const std::shared_ptr<umd::Context>& home, int fd,
                                                           bool read_only) {
  MEDLAR_ASSIGN(auto buffer, umd::Buffer::import(home, fd, read_only));
  return std::shared_ptr<DeviceMemory>(new DeviceMemory(std::move(buffer)));
}

Result<int> DeviceMemory::export_fd() const {
  MEDLAR_ASSIGN(umd::KernelFd fd, home_->export_fd());
  return fd.release();
}

Result<std::shared_ptr<umd::Buffer>> DeviceMemory::in(const std::shared_ptr<umd::Context>& context) {
  if (&home_->context() == context.get()) {
    return home_;
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(imports_, [](const auto& import) { return import.expired(); });
  for (const auto& import : imports_) {
    if (auto buffer = import.lock(); buffer && &buffer->context() == context.get()) {
      return buffer;
    }
  }
  MEDLAR_ASSIGN(const umd::KernelFd fd, home_->export_fd());
  MEDLAR_ASSIGN(auto buffer, umd::Buffer::import(context, fd.get()));
  imports_.push_back(buffer);
  return buffer;
}

}  // namespace medlar::runtime
