// SPDX-License-Identifier: Apache-2.0
// Memory that the device and the application share without copies.
#pragma once

#include "base/bytes.hpp"
#include "umd/context.hpp"

#include <cstdint>
#include <memory>
#include <mutex>

namespace medlar::umd {

struct BufferOptions {
  bool contiguous = false;  ///< From CMA; otherwise pages scattered behind the SMMU.
  bool sram = false;        ///< On-chip memory.
  bool read_only = false;   ///< The device may not write.
};

/// Allocated or imported; freed with its last owner. Thread-safe, except that the contents are the users'
/// business.
class Buffer {
 public:
  static Result<std::shared_ptr<Buffer>> create(std::shared_ptr<Context> context, uint64_t size,
                                                const BufferOptions& options = {});
  /// Shares the pages of an exported buffer (of any context, core or engine). Does not take `fd`.
  static Result<std::shared_ptr<Buffer>> import(std::shared_ptr<Context> context, int fd,
                                                bool read_only = false);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  uint64_t size() const { return size_; }  ///< Rounded up to pages.
  uint32_t handle() const { return handle_; }
  uint64_t iova() const { return iova_; }
  const Context& context() const { return *context_; }

  /// The bytes as the CPU sees them; mapped at the first call, valid as long as the buffer.
  Result<MutableBytes> map();
  /// A descriptor that shares the pages: import it elsewhere, or map it at offset 0.
  Result<KernelFd> export_fd() const;

 private:
  explicit Buffer(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  std::shared_ptr<Context> context_;
  uint64_t size_ = 0;
  uint64_t iova_ = 0;
  uint32_t handle_ = 0;
  std::mutex map_mutex_;
  void* mapping_ = nullptr;
};

}  // namespace medlar::umd
