// SPDX-License-Identifier: Apache-2.0
// Memory of the module that engines, execution contexts and the host share page by page.
#pragma once

#include "umd/buffer.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace medlar::runtime {

/// Allocated in one address space, imported into others at first use: the pages stay the same, nothing is
/// copied. Thread-safe, except that the contents are the users' business.
class DeviceMemory {
 public:
  static Result<std::shared_ptr<DeviceMemory>> allocate(const std::shared_ptr<umd::Context>& home,
                                                        uint64_t bytes,
                                                        const umd::BufferOptions& options = {});

  /// Shares the pages behind an exported descriptor. Does not take `fd`.
  static Result<std::shared_ptr<DeviceMemory>> import(const std::shared_ptr<umd::Context>& home, int fd,
                                                      bool read_only);

  uint64_t size() const { return home_->size(); }  ///< Rounded up to pages.
  /// The bytes as the CPU sees them; valid as long as the memory.
  Result<MutableBytes> map() { return home_->map(); }
  /// A descriptor that shares the pages, for import(). The caller closes it.
  Result<int> export_fd() const;
  /// The same pages in the address space of `context`. The caller keeps what it gets: the memory does not.
  Result<std::shared_ptr<umd::Buffer>> in(const std::shared_ptr<umd::Context>& context);

 private:
  explicit DeviceMemory(std::shared_ptr<umd::Buffer> home) : home_(std::move(home)) {}

  std::shared_ptr<umd::Buffer> home_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<umd::Buffer>> imports_;
};

}  // namespace medlar::runtime
