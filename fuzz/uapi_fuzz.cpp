// SPDX-License-Identifier: Apache-2.0
// Any sequence of calls of the C interface with any arguments: errors, never harm, and nothing left when all is closed.
#include "fuzz/module.hpp"

#include <array>
#include <vector>

namespace {

using medlar::fuzz::Input;

constexpr size_t kMaxCalls = 200;

struct Mapping {
  void* address = nullptr;
  uint64_t size = 0;
};

struct Session {
  medlar::fuzz::Calls calls;
  Input input;
  std::vector<Mapping> mappings = {};

  int fd() { return static_cast<int>(input.choose(24)); }

  void open() {
    static constexpr std::array<const char*, 6> kNodes = {"nvhost-nvdla0", "nvhost-nvdla1", "/dev/nvhost-nvdla0",
                                                          "nvhost-nvdla9", "",             "nvhost-nvdla"};
    calls.open(kNodes[input.choose(kNodes.size())]);
  }

  template <typename T>
  void request(uint32_t number) {
    T args{};
    uint8_t bytes[sizeof args];
    std::memcpy(bytes, &args, sizeof bytes);
    const size_t used = input.choose(sizeof args > 64 ? 64 : sizeof args + 1);
    input.fill({bytes, used});
    std::memcpy(&args, bytes, sizeof bytes);
    calls.call(fd(), number, args);
  }

  void buffer() {
    static constexpr std::array<uint32_t, 5> kRequests = {MEDLAR_CREATE_BUFFER, MEDLAR_EXPORT_BUFFER, MEDLAR_IMPORT_BUFFER,
                                                          MEDLAR_MAP_BUFFER, MEDLAR_DESTROY_BUFFER};
    medlar_buffer args{};
    args.context = input.choose(4);
    args.handle = input.choose(8);
    args.flags = input.choose(10);
    args.size = uint64_t{input.byte()} << input.choose(24);
    args.fd = fd();
    calls.call(fd(), kRequests[input.choose(kRequests.size())], args);
  }

  void sync() {
    medlar_sync args{};
    args.handle = input.choose(8);
    args.fd = fd();
    args.flags = input.choose(9);
    args.timeout_ns = input.choose(2) == 0 ? -1 : 0;
    calls.call(fd(), MEDLAR_SYNC_BUFFER, args);
  }

  void loadable() {
    medlar_loadable args{};
    args.context = input.choose(4);
    args.loadable = input.choose(4);
    // What an addition does not read says which names it brings: none, good ones, ones without an end, too many.
    static constexpr char kNames[] = "conv1\0\0pool";
    static constexpr uint64_t kSizes[] = {0, sizeof kNames, sizeof kNames - 1, uint64_t{MEDLAR_MAX_NAMES_SIZE} + 1};
    args.names_size = kSizes[args.loadable];
    args.names = args.names_size != 0 ? reinterpret_cast<uint64_t>(kNames) : 0;
    calls.call(fd(), input.choose(3) == 0 ? MEDLAR_REMOVE_LOADABLE : MEDLAR_ADD_LOADABLE, args);
  }

  void submit() {
    std::array<medlar_address, 8> addresses{};
    std::array<int32_t, 4> fences{};
    for (medlar_address& address : addresses) {
      address.handle = input.choose(8);
      address.offset = input.choose(4) == 0 ? input.value<uint16_t>() : 0;
    }
    for (int32_t& fence : fences) {
      fence = fd();
    }
    medlar_submit args{};
    args.context = input.choose(4);
    args.loadable = input.choose(4);
    args.addresses = input.choose(16) == 0 ? input.value<uint64_t>() : reinterpret_cast<uint64_t>(addresses.data());
    args.num_addresses = input.choose(addresses.size() + 1);
    args.address_size = input.choose(16) == 0 ? input.byte() : sizeof(medlar_address);
    args.in_fences = reinterpret_cast<uint64_t>(fences.data());
    args.num_in_fences = input.choose(4) == 0 ? input.choose(fences.size() + 1) : 0;
    args.timeout_ns = input.byte();
    calls.call(fd(), MEDLAR_SUBMIT, args);
  }

  void map() {
    const uint64_t size = uint64_t{input.byte()} << input.choose(16);
    const uint64_t offset = (uint64_t{input.choose(8)} << 40) + (input.choose(4) == 0 ? input.value<uint32_t>() : 0);
    void* address = calls.kernel.map(calls.kernel.self, fd(), offset, size);
    if (address != nullptr) {
      std::memset(address, input.byte(), size);  // all of it is ours to write
      mappings.push_back({address, size});
    }
  }

  void unmap() {
    if (mappings.empty() || input.choose(8) == 0) {
      calls.kernel.unmap(calls.kernel.self, this, input.byte());
      return;
    }
    const Mapping mapping = mappings.back();
    mappings.pop_back();
    medlar::fuzz::require(calls.kernel.unmap(calls.kernel.self, mapping.address, mapping.size) == 0);
  }

  void wild() {
    alignas(8) std::array<uint8_t, 320> bytes{};
    input.fill(std::span(bytes).first(input.choose(64)));
    const uint32_t size = input.choose(2) == 0 ? input.byte() : input.value<uint32_t>();
    std::memcpy(bytes.data(), &size, sizeof size);
    calls.kernel.ioctl(calls.kernel.self, fd(), input.choose(20), size <= bytes.size() ? bytes.data() : nullptr);
  }

  void step() {
    switch (input.choose(14)) {
      case 0:
        return open();
      case 1:
        calls.close(fd());
        return;
      case 2:
        return request<medlar_query_device>(MEDLAR_QUERY_DEVICE);
      case 3:
        return request<medlar_context>(MEDLAR_CREATE_CONTEXT);
      case 4:
        return request<medlar_context>(MEDLAR_DESTROY_CONTEXT);
      case 5:
        return request<medlar_query_counters>(MEDLAR_QUERY_COUNTERS);
      case 6:
        return request<medlar_wait_fence>(MEDLAR_WAIT_FENCE);
      case 7:
        return submit();
      case 8:
        return map();
      case 9:
        return unmap();
      case 10:
        return wild();
      case 11:
        return sync();
      case 12:
        return loadable();
      default:
        return buffer();
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto kernel = medlar::fuzz::small_kernel("nvdla-nv_small", 2);
  Session session{{*kernel->seam()}, Input(data, size)};
  session.calls.open("nvhost-nvdla0");
  for (size_t i = 0; i < kMaxCalls && !session.input.empty(); ++i) {
    session.step();
  }
  for (const Mapping& mapping : session.mappings) {
    medlar::fuzz::require(session.calls.kernel.unmap(session.calls.kernel.self, mapping.address, mapping.size) == 0);
  }
  session.calls.require_nothing_left();
  return 0;
}
