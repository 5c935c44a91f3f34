// SPDX-License-Identifier: Apache-2.0
// What a descriptor can be, and the table of descriptors.
#pragma once

#include "driver/sim/core_device.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <variant>

namespace medlar::driver {

/// A network's place on the core.
struct LoadableSlot {
  uint32_t context = 0;  ///< Whose tasks name it.
  LayerNames layers;
};

/// An opened device node: one user of a core. Its objects die with it.
class DeviceFile {
 public:
  DeviceFile(CoreDevice& of, LiveCounters& counters) : core(of), live(counters) {}
  ~DeviceFile();
  DeviceFile(const DeviceFile&) = delete;
  DeviceFile& operator=(const DeviceFile&) = delete;

  /// Null when there is none of that number.
  std::shared_ptr<Context> context(uint32_t id);
  std::shared_ptr<Buffer> buffer(uint32_t handle);
  CoreDevice& core;
  LiveCounters& live;
  std::mutex mutex;  ///< Guards what follows.
  uint32_t next_context = 1;
  uint32_t next_handle = 1;
  uint32_t next_loadable = 1;
  std::map<uint32_t, std::shared_ptr<Context>> contexts;
  std::map<uint32_t, std::shared_ptr<Buffer>> buffers;
  std::map<uint32_t, LoadableSlot> loadables;

  /// Shared with the tasks: a worker must never hold the file itself, whose destructor waits for the worker.
  const std::shared_ptr<ErrorSlot> errors = std::make_shared<ErrorSlot>();
};

using File = std::variant<std::shared_ptr<DeviceFile>, std::shared_ptr<Pages>, std::shared_ptr<Fence>>;

/// Thread-safe.
class FileTable {
 public:
  /// The lowest free descriptor, or -MEDLAR_EMFILE.
  int add(File file);
  /// 0 or -MEDLAR_EBADF. What the descriptor held is destroyed outside the lock.
  int close(int fd);
  void close_all();
  template <typename T>
  std::shared_ptr<T> get(int fd) {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(fd);
    if (found == files_.end() || !std::holds_alternative<std::shared_ptr<T>>(found->second)) {
      return nullptr;
    }
    return std::get<std::shared_ptr<T>>(found->second);
  }

 private:
  static constexpr int kFirst = 3;
  static constexpr size_t kMax = 65536;
  std::mutex mutex_;
  std::map<int, File> files_;
  int lowest_free_ = kFirst;
};

}  // namespace medlar::driver
