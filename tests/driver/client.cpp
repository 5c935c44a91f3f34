// SPDX-License-Identifier: Apache-2.0
#include "driver/client.hpp"

#include <algorithm>

namespace medlar::driver::test {

KernelOptions small_module(const char* chip, uint32_t cores) {
  KernelOptions options;
  options.soc.profile = "test";
  options.soc.chip = *hw::find_config(chip);
  options.soc.cores = cores;
  options.soc.modes = {{"1MHz", 1'000'000, 0}, {"2MHz", 2'000'000, 0}};
  options.soc.platform = (*hw::find_device("orin-nx-16gb"))->platform;
  options.soc.memory.dram_bytes = 64 << 20;
  options.soc.memory.cma_bytes = 16 << 20;
  options.soc.memory.sram_bytes = options.soc.chip->sram ? 1 << 20 : 0;
  return options;
}

Client::Client(const medlar_kernel* kernel, const char* node, uint32_t priority) : kernel_(kernel) {
  fd_ = kernel_->open(kernel_->self, node);
  EXPECT_GE(fd_, 0);
  medlar_context args{};
  args.priority = priority;
  EXPECT_EQ(call(MEDLAR_CREATE_CONTEXT, args), 0);
  context_ = args.context;
  medlar_loadable place{};
  place.context = context_;
  EXPECT_EQ(call(MEDLAR_ADD_LOADABLE, place), 0);
  loadable_ = place.loadable;
}

void Client::close() {
  if (fd_ >= 0) {
    EXPECT_EQ(kernel_->close(kernel_->self, fd_), 0);
    fd_ = -1;
  }
}

Client::Memory Client::create(uint64_t size, uint32_t flags) {
  medlar_buffer args{};
  args.context = context_;
  args.size = size;
  args.flags = flags;
  error = call(MEDLAR_CREATE_BUFFER, args);
  if (error != 0) {
    return {};
  }
  Memory memory{args.handle, args.iova, {}};
  EXPECT_EQ(call(MEDLAR_MAP_BUFFER, args), 0);
  void* mapped = kernel_->map(kernel_->self, fd_, args.map_offset, args.size);
  EXPECT_NE(mapped, nullptr);
  memory.bytes = {static_cast<uint8_t*>(mapped), args.size};
  return memory;
}

void Client::destroy(Memory& memory) {
  EXPECT_EQ(kernel_->unmap(kernel_->self, memory.bytes.data(), memory.bytes.size()), 0);
  medlar_buffer args{};
  args.handle = memory.handle;
  EXPECT_EQ(call(MEDLAR_DESTROY_BUFFER, args), 0);
  memory = {};
}

int Client::submit(TaskBuilder& builder, const std::vector<Memory>& data,
                   const std::vector<int32_t>& in_fences, uint64_t timeout_ns) {
  const dla_request lists = builder.request();
  std::vector<Memory> temporary;
  std::vector<medlar_address> addresses;
  for (int i = 0; i < TaskBuilder::kFirstData; ++i) {
    const dla_address& list = lists.addresses[i];
    temporary.push_back(create(std::max<uint64_t>(list.bytes, 1), 0));
    std::copy_n(static_cast<const uint8_t*>(list.buffer), list.bytes, temporary.back().bytes.data());
    addresses.push_back({temporary.back().handle, 0, 0});
  }
  for (const Memory& memory : data) {
    addresses.push_back({memory.handle, 0, 0});
  }
  const int fence = submit(addresses, in_fences, timeout_ns);
  for (Memory& memory : temporary) {  // the task was copied: its lists may go at once
    destroy(memory);
  }
  return fence;
}

int Client::submit(const std::vector<medlar_address>& addresses, const std::vector<int32_t>& in_fences,
                   uint64_t timeout_ns) {
  medlar_submit args{};
  args.context = context_;
  args.addresses = reinterpret_cast<uint64_t>(addresses.data());
  args.num_addresses = static_cast<uint32_t>(addresses.size());
  args.address_size = sizeof(medlar_address);
  args.in_fences = reinterpret_cast<uint64_t>(in_fences.data());
  args.num_in_fences = static_cast<uint32_t>(in_fences.size());
  args.timeout_ns = timeout_ns;
  args.loadable = loadable_;
  const int result = call(MEDLAR_SUBMIT, args);
  serial = args.serial;
  return result < 0 ? result : args.out_fence;
}

int Client::finish(int fence) {
  medlar_wait_fence args{};
  args.fence = fence;
  args.timeout_ns = -1;
  EXPECT_EQ(call(MEDLAR_WAIT_FENCE, args), 0);
  EXPECT_EQ(kernel_->close(kernel_->self, fence), 0);
  return args.status;
}

void Client::hurry(int fence) {
  medlar_wait_fence args{};
  args.fence = fence;
  args.timeout_ns = 1;
  (void)call(MEDLAR_WAIT_FENCE, args);
}

medlar_query_error Client::last_error() {
  medlar_query_error args{};
  EXPECT_EQ(call(MEDLAR_QUERY_ERROR, args), 0);
  return args;
}

medlar_query_counters Client::counters() {
  medlar_query_counters args{};
  EXPECT_EQ(call(MEDLAR_QUERY_COUNTERS, args), 0);
  return args;
}

}  // namespace medlar::driver::test
