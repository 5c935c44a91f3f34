// SPDX-License-Identifier: Apache-2.0
// Arguments that cross the interface.
#include "driver/sim/user_memory.hpp"

#include "uapi/medlar_uapi.h"

#include <algorithm>
#include <cerrno>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace medlar::driver {
namespace {

constexpr uint32_t kMinArgument = 8;
constexpr uint32_t kMaxArgument = 4096;

}  // namespace

int copy_from_user(uint64_t from, std::span<uint8_t> to) {
  if (to.empty()) {
    return 0;
  }
  iovec local{to.data(), to.size()};
  iovec remote{reinterpret_cast<void*>(from), to.size()};
  const ssize_t copied = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  if (copied == static_cast<ssize_t>(to.size())) {
    return 0;
  }
  if (copied >= 0 || errno == EFAULT || from == 0) {
    return -MEDLAR_EFAULT;
  }
  std::memcpy(to.data(), reinterpret_cast<const void*>(from), to.size());  // the host forbids the careful way
  return 0;
}

int copy_argument(const void* from, std::span<uint8_t> to) {
  uint32_t size = 0;
  const auto address = reinterpret_cast<uint64_t>(from);
  if (const int error = copy_from_user(address, {reinterpret_cast<uint8_t*>(&size), sizeof size});
      error != 0) {
    return error;
  }
  if (size < kMinArgument || size > kMaxArgument) {
    return -MEDLAR_EINVAL;
  }
  std::vector<uint8_t> bytes(size);
  if (const int error = copy_from_user(address, bytes); error != 0) {
    return error;
  }
  const size_t known = std::min(bytes.size(), to.size());
  std::memset(to.data(), 0, to.size());
  std::memcpy(to.data(), bytes.data(), known);
  const auto zero = [](uint8_t byte) { return byte == 0; };
  return std::all_of(bytes.begin() + static_cast<int64_t>(known), bytes.end(), zero) ? 0 : -MEDLAR_EINVAL;
}

}  // namespace medlar::driver
