// SPDX-License-Identifier: Apache-2.0
// What both trace formats drive.
#include "chip/play/trace_bench.hpp"

#include <algorithm>

namespace medlar::chip {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

Status check_size(uint64_t size) {
  if (size > kMaxBytes) {
    return fail(Code::kCorrupt, "trace: {} bytes of memory, more than {}", size, kMaxBytes);
  }
  return {};
}

}  // namespace

Status TraceBench::write(uint32_t address, uint32_t value) {
  const auto found = hw::find_register(address, config_.register_map);
  if (found && found->info->access == hw::Access::kReadOnly) {
    return {};
  }
  const uint32_t kept = found ? value & found->info->writable_mask : value;
  while (true) {
    Status done = chip_.write_register(address, kept);
    if (done) {
      return done;
    }
    MEDLAR_ASSIGN(const bool ran, chip_.step());
    if (!ran) {
      return done;
    }
  }
}

Status TraceBench::run_all() {
  bool more = true;
  while (more) {
    MEDLAR_ASSIGN(more, chip_.step());
  }
  return {};
}

Status TraceBench::fill(Ram ram, uint64_t address, uint64_t size, uint8_t value) {
  MEDLAR_TRY(check_size(size));
  return memory_.write(ram, address, ByteBuffer(static_cast<size_t>(size), value));
}

Result<ByteBuffer> TraceBench::dump(Ram ram, uint64_t address, uint64_t size) {
  MEDLAR_TRY(check_size(size));
  ByteBuffer bytes(static_cast<size_t>(size));
  MEDLAR_TRY(memory_.read(ram, address, bytes));
  return bytes;
}

Status TraceBench::compare(Ram ram, uint64_t address, ByteView want, std::string_view name) {
  MEDLAR_ASSIGN(const ByteBuffer got, dump(ram, address, want.size()));
  const auto [a, b] = std::mismatch(want.begin(), want.end(), got.begin());
  if (a == want.end()) {
    return {};
  }
  return fail(Code::kInternal, "{}: byte {:#x} at {:#x} is {:#04x}, expected {:#04x}", name, a - want.begin(),
              address + static_cast<uint64_t>(a - want.begin()), *b, *a);
}

}  // namespace medlar::chip
