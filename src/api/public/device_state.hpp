// SPDX-License-Identifier: Apache-2.0
// What devices, buffers, streams and events are made of. Private to this folder.
#pragma once

#include "api/module.hpp"
#include "medlar/device.hpp"
#include "runtime/binding.hpp"
#include "runtime/stream.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

namespace medlar {

struct BufferState {
  std::shared_ptr<ModuleState> module;
  std::shared_ptr<runtime::DeviceMemory> memory;
  uint8_t* data = nullptr;
  size_t size = 0;
  ~BufferState();
};

/// Thread-safe.
struct ModuleState : std::enable_shared_from_this<ModuleState> {
  std::shared_ptr<api::Module> module;
  std::string name;

  std::shared_ptr<BufferState> own(std::shared_ptr<runtime::DeviceMemory> memory, size_t bytes);
  void forget(const BufferState& buffer);
  /// The memory that holds [address, address + bytes) and the offset there; nullopt when no buffer does.
  struct Place {
    std::shared_ptr<runtime::DeviceMemory> memory;
    uint64_t offset = 0;
    uint64_t room = 0;  ///< Bytes from the address to the buffer's end.
  };
  std::optional<Place> find(const void* address) const;
  uint64_t allocated() const;

  void add_stream(const std::shared_ptr<StreamState>& stream);
  std::vector<std::shared_ptr<StreamState>> live_streams();

 private:
  struct Range {
    size_t size = 0;
    std::weak_ptr<runtime::DeviceMemory> memory;
    const BufferState* owner = nullptr;
  };
  mutable std::mutex mutex_;
  /// By first byte, descending. Buffers that share pages may lie at one address.
  std::multimap<const uint8_t*, Range, std::greater<>> ranges_;
  std::vector<std::weak_ptr<StreamState>> streams_;
};

/// A queue and its clock: modelled device time of the work that it has done.
struct StreamState {
  std::shared_ptr<ModuleState> module;  ///< First: goes last.
  std::atomic<double> modelled_ms = 0;
  std::mutex error_mutex;
  std::exception_ptr error;  ///< First one that a callback threw; keeps its type.
  std::unique_ptr<runtime::Stream> queue;

  using Work = std::function<Status(const runtime::Cancellation&)>;
  /// Queues work that may throw.
  runtime::Event push(Work work);
};

struct EventState {
  struct Mark {
    runtime::Event done;
    double modelled_ms = 0;
    std::chrono::steady_clock::time_point host;
    const ModuleState* module = nullptr;
  };
  std::mutex mutex;
  std::shared_ptr<Mark> mark;  ///< Null before the first record.

  std::shared_ptr<Mark> current() {
    const std::lock_guard lock(mutex);
    return mark;
  }
};

}  // namespace medlar
