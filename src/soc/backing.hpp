// SPDX-License-Identifier: Apache-2.0
// Host memory behind a simulated memory: sparse, shared, exportable as a file descriptor.
#pragma once

#include "base/status.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace medlar::soc {

/// A memfd mapped whole; pages cost nothing until they are touched and read as zero.
class Backing {
 public:
  static Result<std::unique_ptr<Backing>> create(const std::string& name, uint64_t bytes);
  ~Backing();
  Backing(const Backing&) = delete;
  Backing& operator=(const Backing&) = delete;

  std::span<uint8_t> bytes() { return {data_, size_}; }
  uint64_t size() const { return size_; }
  /// Descriptor of the memfd; owned by this object.
  int fd() const { return fd_; }
  /// Gives whole pages back to the host; they read as zero afterwards.
  void discard(uint64_t offset, uint64_t bytes);

 private:
  Backing(int fd, uint8_t* data, uint64_t size) : fd_(fd), data_(data), size_(size) {}
  int fd_;
  uint8_t* data_;
  uint64_t size_;
};

}  // namespace medlar::soc
