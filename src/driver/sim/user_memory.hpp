// SPDX-License-Identifier: Apache-2.0
// Arguments that cross the interface: copied in once and checked, copied out as far as the caller knows them.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace medlar::driver {

/// Copies from the caller's address space; 0 or -MEDLAR_EFAULT where nothing readable is there.
int copy_from_user(uint64_t from, std::span<uint8_t> to);

/// Copies an argument whose first word is its struct_size. Bytes that the caller does not know read as zero;
/// bytes that this kernel does not know must be zero.
int copy_argument(const void* from, std::span<uint8_t> to);

template <typename T>
int get_argument(const void* from, T& to) {
  return copy_argument(from, {reinterpret_cast<uint8_t*>(&to), sizeof to});
}

/// Writes back what fits the caller's struct_size, which stays as it is.
template <typename T>
void put_argument(void* to, T value, uint32_t struct_size) {
  value.struct_size = struct_size;
  std::memcpy(to, &value, struct_size < sizeof value ? struct_size : sizeof value);
}

}  // namespace medlar::driver
