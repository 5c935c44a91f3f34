// SPDX-License-Identifier: Apache-2.0
// The simulated kernel through its C interface: objects, sharing, execution on the chip.
#include "driver/sim_fixture.hpp"

namespace medlar::driver::test {
namespace {

TEST_F(Sim, RunsATaskAndLeavesNothingBehind) {
  {
    Client client(seam());
    expect_correct_inference(client);
    const medlar_query_counters counters = client.counters();
    EXPECT_EQ(counters.tasks_submitted, 1u);
    EXPECT_EQ(counters.tasks_completed, 1u);
    EXPECT_EQ(counters.operations, 1u);
    EXPECT_EQ(counters.interrupts, 1u);
    EXPECT_EQ(counters.live_buffers, 0u);
    EXPECT_EQ(counters.live_pages, 0u);
    EXPECT_EQ(counters.live_fences, 0u);
    EXPECT_EQ(counters.live_mappings, 0u);
    EXPECT_EQ(counters.live_contexts, 1u);
    EXPECT_GT(counters.tlb_misses, 0u);
  }
  Client other(seam());
  EXPECT_EQ(other.counters().live_contexts, 1u) << "the first client's context is gone";
  EXPECT_TRUE(logged("nvdla 15880000.nvdla0: probed"));
}

TEST_F(Sim, ScatteredPagesServeAsWellAsContiguousOnes) {
  Client client(seam());
  Client::Memory holes[8];
  for (Client::Memory& hole : holes) {
    hole = client.create(4096, 0);
  }
  for (int i = 0; i < 8; i += 2) {
    client.destroy(holes[i]);
  }
  Client::Memory src = client.create(3 * 4096, 0);
  Client::Memory dst = client.create(3 * 4096, 0);
  fill(src.bytes);
  TaskBuilder builder(2);
  builder.add_sdp(TaskBuilder::cube(5, 16, 16, 40), TaskBuilder::cube(6, 16, 16, 40));
  EXPECT_EQ(client.run(builder, {src, dst}), -MEDLAR_EINVAL) << "16 KiB do not fit";
  builder.surfaces[0].sdp_surface.src_data.height = 8;
  builder.surfaces[0].sdp_surface.src_data.surf_stride = 4096;
  builder.surfaces[0].sdp_surface.dst_data.surf_stride = 4096;
  EXPECT_EQ(client.run(builder, {src, dst}), 0) << client.last_error().message;
  EXPECT_EQ(std::memcmp(src.bytes.data(), dst.bytes.data(), 4096), 0);
  EXPECT_EQ(std::memcmp(src.bytes.data() + 4096, dst.bytes.data() + 4096, 8), 0);
}

TEST_F(Sim, SramBuffersAreReachedThroughTheirOwnPort) {
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube, MEDLAR_BUFFER_SRAM);
  fill(src.bytes);
  TaskBuilder builder = pass_through();
  EXPECT_EQ(client.run(builder, {src, dst}), -MEDLAR_EINVAL);
  EXPECT_STREQ(client.last_error().field, "dst.type");
  builder.surfaces[0].sdp_surface.dst_data.type = NVDLA_MEM_TYPE_CV;
  EXPECT_EQ(client.run(builder, {src, dst}), 0) << client.last_error().message;
  EXPECT_EQ(std::memcmp(src.bytes.data(), dst.bytes.data(), kCube), 0);
}

TEST_F(Sim, ExportedPagesAreSharedWithoutACopy) {
  start(small_module("nv_large", 2));
  Client producer(seam());
  Client consumer(seam(), "nvhost-nvdla1");
  Client::Memory src = producer.create(kCube);
  Client::Memory middle = producer.create(kCube);
  medlar_buffer args{};
  args.handle = middle.handle;
  ASSERT_EQ(producer.call(MEDLAR_EXPORT_BUFFER, args), 0);
  const int fd = args.fd;
  medlar_buffer import{};
  import.context = consumer.context();
  import.fd = fd;
  import.flags = MEDLAR_BUFFER_READ_ONLY;
  ASSERT_EQ(consumer.call(MEDLAR_IMPORT_BUFFER, import), 0);
  EXPECT_EQ(import.size, 4096u);
  auto* view = static_cast<uint8_t*>(seam()->map(seam()->self, fd, 0, 4096));
  EXPECT_EQ(view, middle.bytes.data());
  EXPECT_EQ(seam()->unmap(seam()->self, view, 4096), 0);
  EXPECT_EQ(seam()->close(seam()->self, fd), 0);

  Client::Memory dst = consumer.create(kCube);
  fill(src.bytes);
  TaskBuilder builder = pass_through();
  const int first = producer.submit(builder, {src, middle});
  ASSERT_GE(first, 0);
  const int second = consumer.submit(builder, {{import.handle, import.iova, {}}, dst}, {first});
  ASSERT_GE(second, 0) << consumer.last_error().message;
  EXPECT_EQ(consumer.finish(second), 0);
  EXPECT_EQ(producer.finish(first), 0);
  EXPECT_EQ(std::memcmp(src.bytes.data(), dst.bytes.data(), kCube), 0);
  EXPECT_EQ(consumer.run(builder, {dst, {import.handle, import.iova, {}}}), -MEDLAR_EINVAL) << "read only";
  EXPECT_STREQ(consumer.last_error().field, "dst.write");
}

TEST_F(Sim, ArgumentsGrowAndReservedMustBeZero) {
  Client client(seam());
  struct {
    medlar_query_device known;
    uint32_t later[2];
  } newer{};
  newer.known.struct_size = sizeof newer;
  EXPECT_EQ(seam()->ioctl(seam()->self, client.fd(), MEDLAR_QUERY_DEVICE, &newer), 0);
  EXPECT_STREQ(newer.known.chip, "nv_large");
  EXPECT_EQ(newer.known.memory_atom, 32u);
  EXPECT_EQ(newer.known.cma_free, newer.known.cma_bytes);
  EXPECT_EQ(newer.known.struct_size, sizeof newer);
  newer = {};
  newer.known.struct_size = sizeof newer;
  newer.later[1] = 1;
  EXPECT_EQ(seam()->ioctl(seam()->self, client.fd(), MEDLAR_QUERY_DEVICE, &newer), -MEDLAR_EINVAL);
  medlar_query_device older{};
  older.struct_size = 40;
  older.chip[0] = 'x';
  EXPECT_EQ(seam()->ioctl(seam()->self, client.fd(), MEDLAR_QUERY_DEVICE, &older), 0);
  EXPECT_STREQ(older.profile, "test");
  EXPECT_EQ(older.chip[0], 'x') << "beyond what the caller knows";
  medlar_context reserved{};
  reserved.reserved = 1;
  EXPECT_EQ(client.call(MEDLAR_CREATE_CONTEXT, reserved), -MEDLAR_EINVAL);
  medlar_context tiny{};
  tiny.struct_size = 4;
  EXPECT_EQ(seam()->ioctl(seam()->self, client.fd(), MEDLAR_CREATE_CONTEXT, &tiny), -MEDLAR_EINVAL);
  EXPECT_EQ(seam()->ioctl(seam()->self, client.fd(), MEDLAR_CREATE_CONTEXT, nullptr), -MEDLAR_EFAULT);
  EXPECT_EQ(seam()->ioctl(seam()->self, client.fd(), 99, &tiny), -MEDLAR_ENOTTY);
  EXPECT_EQ(seam()->ioctl(seam()->self, 99, MEDLAR_QUERY_DEVICE, &older), -MEDLAR_EBADF);
}

TEST_F(Sim, NamesOfLoadablesAreChecked) {
  Client client(seam());
  const auto add = [&](uint64_t names, uint64_t size) {
    medlar_loadable args{};
    args.context = client.context();
    args.names = names;
    args.names_size = size;
    return client.call(MEDLAR_ADD_LOADABLE, args);
  };
  static constexpr char kNames[] = "a\0\0b";  // the second has no name
  const auto at = reinterpret_cast<uintptr_t>(kNames);
  EXPECT_EQ(add(at, sizeof kNames), 0);
  EXPECT_EQ(add(at, sizeof kNames - 1), -MEDLAR_EINVAL) << "the last is not ended";
  EXPECT_EQ(add(at, 0), -MEDLAR_EINVAL);
  EXPECT_EQ(add(at, MEDLAR_MAX_NAMES_SIZE + 1), -MEDLAR_EINVAL);
  EXPECT_EQ(add(16, 8), -MEDLAR_EFAULT);
}

TEST_F(Sim, UnknownNodesHandlesAndDescriptorsAreErrors) {
  for (const char* node :
       {"nvhost-nvdla1", "nvhost-nvdla", "nvhost-nvdla00", "nvhost-nvdla-1", "card0", ""}) {
    EXPECT_EQ(seam()->open(seam()->self, node), -MEDLAR_ENOENT) << node;
  }
  Client client(seam());
  Client stranger(seam());
  Client::Memory memory = client.create(kCube);
  EXPECT_EQ(stranger.submit({{memory.handle, 0, 0}}), -MEDLAR_ENOENT) << "another file's handle";
  medlar_buffer args{};
  args.handle = 77;
  EXPECT_EQ(client.call(MEDLAR_MAP_BUFFER, args), -MEDLAR_ENOENT);
  EXPECT_EQ(client.call(MEDLAR_DESTROY_BUFFER, args), -MEDLAR_ENOENT);
  args = {};
  args.context = client.context();
  args.fd = client.fd();
  EXPECT_EQ(client.call(MEDLAR_IMPORT_BUFFER, args), -MEDLAR_EBADF) << "not a shared buffer";
  EXPECT_EQ(client.submit({{memory.handle, 0, 0}}, {client.fd()}), -MEDLAR_EBADF) << "not a fence";
  EXPECT_EQ(client.submit({{memory.handle, 0, 5000}}), -MEDLAR_ERANGE);
  EXPECT_EQ(client.submit({{memory.handle, 1, 0}}), -MEDLAR_EINVAL);
  medlar_submit wild{};
  wild.context = client.context();
  wild.loadable = client.loadable();
  wild.addresses = 0x1000;
  wild.num_addresses = 1;
  wild.address_size = sizeof(medlar_address);
  EXPECT_EQ(client.call(MEDLAR_SUBMIT, wild), -MEDLAR_EFAULT);
  EXPECT_EQ(seam()->map(seam()->self, client.fd(), uint64_t{memory.handle} << 40, 8192), nullptr)
      << "larger than it is";
  EXPECT_EQ(seam()->unmap(seam()->self, &args, 4096), -MEDLAR_EINVAL);
}

TEST_F(Sim, ObserverNamesTaskAndOperations) {
  std::mutex mutex;
  std::vector<CompletedOp> seen;
  uint64_t units = 0;
  kernel->set_observer([&](const CompletedOp& op) {
    const std::lock_guard lock(mutex);
    units += op.executed->units.size();
    seen.push_back(op);
  });
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube);
  Client::Memory pooled = client.create(kCube);
  TaskBuilder builder(3);
  const int16_t sdp = builder.add_sdp(TaskBuilder::cube(5, 8, 8, 32), TaskBuilder::flying(8, 8, 32));
  const int16_t pdp = builder.add_pdp(TaskBuilder::flying(8, 8, 32), TaskBuilder::cube(7, 4, 4, 32));
  builder.fuse(sdp, pdp);
  builder.add_sdp();
  ASSERT_EQ(client.run(builder, {src, dst, pooled}), 0) << client.last_error().message;
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].serial, client.serial);
  ASSERT_EQ(seen[0].parts.size(), 2u);
  EXPECT_EQ(seen[0].parts[0].op_type, NVDLA_OP_TYPE_SDP);
  EXPECT_EQ(seen[0].parts[1].op_index, static_cast<uint32_t>(pdp));
  EXPECT_EQ(seen[1].op_index, 2u);
  EXPECT_EQ(units, 3u + 2u) << "SDP_RDMA, SDP, PDP; SDP_RDMA, SDP";
}
}  // namespace
}  // namespace medlar::driver::test
