// SPDX-License-Identifier: Apache-2.0
// Descriptors and what they hold.
#include "driver/sim/files.hpp"

#include <algorithm>

namespace medlar::driver {

DeviceFile::~DeviceFile() {
  for (auto& [id, context] : contexts) {
    core.destroy_context(context);
    --live.contexts;
  }
  for (size_t i = 0; i < loadables.size(); ++i) {
    core.remove_loadable();
  }
}

std::shared_ptr<Context> DeviceFile::context(uint32_t id) {
  const std::lock_guard lock(mutex);
  const auto found = contexts.find(id);
  return found == contexts.end() ? nullptr : found->second;
}

std::shared_ptr<Buffer> DeviceFile::buffer(uint32_t handle) {
  const std::lock_guard lock(mutex);
  const auto found = buffers.find(handle);
  return found == buffers.end() ? nullptr : found->second;
}

int FileTable::add(File file) {
  const std::lock_guard lock(mutex_);
  if (files_.size() >= kMax) {
    return -MEDLAR_EMFILE;
  }
  const int fd = lowest_free_;
  files_.emplace(fd, std::move(file));
  while (files_.contains(lowest_free_)) {
    ++lowest_free_;
  }
  return fd;
}

int FileTable::close(int fd) {
  File doomed;
  {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(fd);
    if (found == files_.end()) {
      return -MEDLAR_EBADF;
    }
    doomed = std::move(found->second);
    files_.erase(found);
    lowest_free_ = std::min(lowest_free_, fd);
  }
  if (const auto* fence = std::get_if<std::shared_ptr<Fence>>(&doomed)) {
    (*fence)->closed();
  }
  return 0;
}

void FileTable::close_all() {
  std::map<int, File> doomed;
  const std::lock_guard lock(mutex_);
  doomed.swap(files_);
  lowest_free_ = kFirst;
}

}  // namespace medlar::driver
