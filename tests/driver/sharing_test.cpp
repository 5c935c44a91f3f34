// SPDX-License-Identifier: Apache-2.0
// The same pages under several engines: ISP, two DLA cores, GPU and CPU, without a copy; dma-buf's rules.
#include "driver/sim/peer.hpp"
#include "driver/sim_fixture.hpp"


namespace medlar::driver::test {
namespace {

class Sharing : public Sim {
 protected:
  void SetUp() override {
    KernelOptions options = small_module("nv_large", 2);
    options.soc.memory.cuda_bytes = 4 << 20;
    options.soc.memory.sram_banks = 2;
    start(std::move(options));
  }
  int export_fd(Client& client, const Client::Memory& memory) {
    medlar_buffer args{};
    args.handle = memory.handle;
    EXPECT_EQ(client.call(MEDLAR_EXPORT_BUFFER, args), 0);
    return args.fd;
  }
  Client::Memory import(Client& client, int fd) {
    medlar_buffer args{};
    args.context = client.context();
    args.fd = fd;
    EXPECT_EQ(client.call(MEDLAR_IMPORT_BUFFER, args), 0);
    return {args.handle, args.iova, {}};
  }
  uint64_t phys(soc::StreamId stream, uint64_t iova) {
    const auto at = kernel->soc().smmu().probe(stream, {iova}, soc::Direction::kRead);
    return at ? at->phys.value : 0;
  }
};

/// Camera -> DLA 0 -> GPU -> DLA 1 -> CPU.
TEST_F(Sharing, FiveEnginesWithoutACopy) {
  Client dla0(seam());
  Client dla1(seam(), "nvhost-nvdla1");
  Peer& isp = **kernel->peer("isp");
  Peer& gpu = **kernel->peer("gpu");
  Peer& cpu = **kernel->peer("cpu");
  Client::Memory frame = dla0.create(kCube);
  Client::Memory middle = dla0.create(kCube, 0);
  const int frame_fd = export_fd(dla0, frame), middle_fd = export_fd(dla0, middle);
  const auto cuda = gpu.allocate(kCube).value();  // the GPU's output, in its own share of DRAM
  const int cuda_fd = kernel->export_pages(cuda->pages());
  const auto seen_by_isp = isp.attach(kernel->shared_pages(frame_fd).value(), true).value();
  const auto seen_by_gpu = gpu.attach(kernel->shared_pages(middle_fd).value(), false).value();
  const Client::Memory input1 = import(dla1, cuda_fd);
  Client::Memory result = dla1.create(kCube);
  const auto seen_by_cpu = cpu.attach(kernel->shared_pages(export_fd(dla1, result)).value(), false).value();

  EXPECT_EQ(phys(soc::kIspStream, seen_by_isp->iova().value), seen_by_isp->pages()->allocation().extents[0].base.value);
  EXPECT_EQ(phys(soc::kGpuStream, seen_by_gpu->iova().value), seen_by_gpu->pages()->allocation().extents[0].base.value);
  EXPECT_NE(seen_by_isp->iova().value, frame.iova) << "each engine has its own address for the same page";
  EXPECT_NE(seen_by_gpu->iova().value, middle.iova);
  EXPECT_NE(cuda->iova().value, input1.iova);
  EXPECT_EQ(dla0.counters().shared_pages, 4u);
  const uint64_t pages = dla0.counters().live_pages;

  std::vector<uint8_t> picture(kCube), passed(kCube), out(kCube);
  fill(picture);
  const uint64_t copied = dla0.counters().copied_bytes;
  ASSERT_TRUE(isp.write(seen_by_isp->iova(), picture));
  TaskBuilder builder = pass_through();
  ASSERT_EQ(dla0.run(builder, {frame, middle}), 0) << dla0.last_error().message;
  ASSERT_TRUE(gpu.read(seen_by_gpu->iova(), passed));
  ASSERT_TRUE(gpu.write(cuda->iova(), passed));
  ASSERT_EQ(dla1.run(builder, {input1, result}), 0) << dla1.last_error().message;
  ASSERT_TRUE(cpu.read(seen_by_cpu->iova(), out));
  EXPECT_EQ(out, picture);

  // Every engine moved exactly its own input and output, and the driver moved descriptors only.
  EXPECT_EQ(isp.traffic().written, kCube);
  EXPECT_EQ(gpu.traffic().read + gpu.traffic().written, 2 * kCube);
  EXPECT_EQ(cpu.traffic().read, kCube);
  EXPECT_EQ(kernel->soc().traffic(0).written, kCube);
  EXPECT_EQ(kernel->soc().traffic(1).read, kCube);
  const uint64_t descriptors = sizeof(nvdla_network_desc) + sizeof(nvdla_common_op_desc) +
                               sizeof(nvdla_op_container) + sizeof(nvdla_surface_container);
  EXPECT_EQ(dla0.counters().copied_bytes - copied, 2 * descriptors);
  EXPECT_EQ(dla0.counters().live_pages, pages);
}

TEST_F(Sharing, CpuAccessWaitsForWhoWrites) {
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube);
  fill(src.bytes);
  TaskBuilder builder = pass_through();
  for (int i = 0; i < 20; ++i) {
    const int fence = client.submit(builder, {src, dst});
    medlar_sync begin{};
    begin.handle = dst.handle;
    begin.flags = MEDLAR_SYNC_READ;
    begin.timeout_ns = -1;
    ASSERT_EQ(client.call(MEDLAR_SYNC_BUFFER, begin), 0);
    EXPECT_EQ(std::memcmp(src.bytes.data(), dst.bytes.data(), kCube), 0) << "the task has ended";
    begin.flags = MEDLAR_SYNC_READ | MEDLAR_SYNC_END;
    EXPECT_EQ(client.call(MEDLAR_SYNC_BUFFER, begin), 0);
    EXPECT_EQ(client.call(MEDLAR_SYNC_BUFFER, begin), -MEDLAR_EINVAL) << "ended already";
    std::fill(dst.bytes.begin(), dst.bytes.end(), uint8_t{0});
    EXPECT_EQ(client.finish(fence), 0);
  }
  EXPECT_EQ(client.counters().cpu_syncs, 20u);
  medlar_sync wrong{};
  wrong.handle = dst.handle;
  EXPECT_EQ(client.call(MEDLAR_SYNC_BUFFER, wrong), -MEDLAR_EINVAL) << "neither read nor write";
  wrong.handle = 99;
  wrong.flags = MEDLAR_SYNC_READ;
  EXPECT_EQ(client.call(MEDLAR_SYNC_BUFFER, wrong), -MEDLAR_ENOENT);
}

TEST_F(Sharing, AnotherCoresSramIsOutOfReach) {
  Client dla0(seam());
  Client dla1(seam(), "nvhost-nvdla1");
  Client::Memory sram = dla0.create(kCube, MEDLAR_BUFFER_SRAM);
  const int fd = export_fd(dla0, sram);
  medlar_buffer args{};
  args.context = dla1.context();
  args.fd = fd;
  EXPECT_EQ(dla1.call(MEDLAR_IMPORT_BUFFER, args), -MEDLAR_EOPNOTSUPP);
  EXPECT_NE(std::strstr(dla1.last_error().message, "SRAM of another core"), nullptr);
  EXPECT_FALSE((*kernel->peer("gpu"))->attach(kernel->shared_pages(fd).value(), false));
  EXPECT_FALSE(kernel->peer("nvenc"));
}

TEST_F(Sharing, FaultsReadAsInDmesg) {
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube);
  kernel->soc().smmu().unmap(1, {dst.iova}, soc::kPageBytes);
  TaskBuilder builder = pass_through();
  EXPECT_EQ(client.run(builder, {src, dst}), -MEDLAR_EFAULT);
  EXPECT_TRUE(logged("arm-smmu niso1: Unhandled context fault: fsr=0x402, iova=0x"));
  EXPECT_TRUE(logged("nvdla 15880000.nvdla0: task 1: operation 0 (SDP): SMMU translation fault, write at IOVA 0x"));
}

TEST_F(Sharing, FilesShowTheState) {
  Client client(seam());
  Client::Memory memory = client.create(1 << 20);
  auto files = kernel->sysfs();
  EXPECT_EQ(files.at("/sys/kernel/debug/cma/linux,cma/used"), "256\n");
  EXPECT_NE(files.at("/sys/kernel/debug/clk/clk_summary").find("dla0_core"), std::string::npos);
  EXPECT_EQ(files.at("/sys/kernel/debug/bpmp/debug/regulator/dlaa/name"), "dlaa\n");
  EXPECT_EQ(files.at("/sys/devices/platform/15880000.nvdla0/power/runtime_status"), "suspended\n");
  EXPECT_TRUE(files.contains("/dev/nvhost-nvdla1"));
  expect_correct_inference(client);
  files = kernel->sysfs();
  EXPECT_NE(files.at("/sys/kernel/debug/nvdla0/counters").find("tasks_completed 1\n"), std::string::npos);
  EXPECT_NE(files.at("/sys/kernel/debug/iommu/smmu/tlb").find("misses"), std::string::npos);
  client.destroy(memory);
}

}  // namespace
}  // namespace medlar::driver::test
