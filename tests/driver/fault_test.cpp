// SPDX-License-Identifier: Apache-2.0
// The fault matrix: every fault ends in a named error and a device that then computes correctly.
#include "driver/sim_fixture.hpp"

#include <condition_variable>
#include <random>
#include <thread>

namespace medlar::driver::test {
namespace {

using Faults = Sim;

TEST_F(Faults, CmaExhausted) {
  Client client(seam());
  std::vector<Client::Memory> taken;
  while (true) {
    Client::Memory memory = client.create(4 << 20);
    if (memory.handle == 0) {
      break;
    }
    taken.push_back(memory);
  }
  EXPECT_EQ(client.error, -MEDLAR_ENOMEM);
  EXPECT_EQ(taken.size(), 4u);
  EXPECT_STREQ(client.last_error().message,
               "buffer of 4194304 bytes: CMA: 4194304 contiguous bytes asked, 0 free, largest free run 0");
  EXPECT_TRUE(logged("CMA: 4194304 contiguous bytes asked"));
  client.destroy(taken.back());
  expect_correct_inference(client);
}

TEST_F(Faults, CmaFragmented) {
  Client client(seam());
  std::vector<Client::Memory> taken;
  for (int i = 0; i < 8; ++i) {
    taken.push_back(client.create(2 << 20));
  }
  for (int i = 0; i < 8; i += 2) {
    client.destroy(taken[i]);
  }
  EXPECT_EQ(client.create(4 << 20).handle, 0u);
  EXPECT_NE(std::strstr(client.last_error().message, "8388608 free, largest free run 2097152 (fragmented)"),
            nullptr);
  EXPECT_NE(client.create(4 << 20, 0).handle, 0u) << "pages behind the SMMU need not be contiguous";
  expect_correct_inference(client);
}

TEST_F(Faults, OutOfSram) {
  Client client(seam());
  EXPECT_EQ(client.create(2 << 20, MEDLAR_BUFFER_SRAM).handle, 0u);
  EXPECT_EQ(client.error, -MEDLAR_ENOMEM);
  expect_correct_inference(client);
}

TEST_F(Faults, TranslationFaultNamesOperationAndIova) {
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube);
  TaskBuilder builder = pass_through();
  // The page disappears behind the driver's back, as a buggy mapping would.
  const soc::BankId bank = 1;
  kernel->soc().smmu().unmap(bank, {dst.iova}, 4096);
  EXPECT_EQ(client.run(builder, {src, dst}), -MEDLAR_EFAULT);
  const medlar_query_error error = client.last_error();
  EXPECT_EQ(error.kind, static_cast<uint32_t>(MEDLAR_ERROR_TRANSLATION));
  EXPECT_EQ(error.op_index, 0);
  EXPECT_EQ(error.op_type, NVDLA_OP_TYPE_SDP);
  EXPECT_EQ(error.iova, dst.iova);
  EXPECT_EQ(error.access, 2u);
  EXPECT_EQ(error.serial, client.serial);
  EXPECT_TRUE(logged("task 1: operation 0 (SDP): SMMU translation fault, write at IOVA 0x"));
  EXPECT_TRUE(logged("engine reset"));
  EXPECT_EQ(client.counters().resets, 1u);
  expect_correct_inference(client);
}

TEST_F(Faults, PermissionFault) {
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube);
  // A read-only page where the driver believes in a writable one.
  const soc::BankId bank = 1;
  auto pages = kernel->soc().memory().allocate(soc::Pool::kPages, 4096);
  kernel->soc().smmu().unmap(bank, {dst.iova}, 4096);
  ASSERT_TRUE(kernel->soc().smmu().map(bank, {dst.iova}, *pages, false));
  TaskBuilder builder = pass_through();
  EXPECT_EQ(client.run(builder, {src, dst}), -MEDLAR_EFAULT);
  EXPECT_EQ(client.last_error().kind, static_cast<uint32_t>(MEDLAR_ERROR_PERMISSION));
  expect_correct_inference(client);
}

TEST_F(Faults, HungOperation) {
  Client client(seam());
  kernel->inject(0, {.hang = true});
  Client::Memory src = client.create(kCube);
  TaskBuilder builder = pass_through();
  EXPECT_EQ(client.run(builder, {src, src}), -MEDLAR_ETIME);
  EXPECT_EQ(client.last_error().kind, static_cast<uint32_t>(MEDLAR_ERROR_HANG));
  EXPECT_EQ(client.last_error().op_index, 0);
  EXPECT_EQ(client.counters().timeouts, 1u);
  expect_correct_inference(client);
}

TEST_F(Faults, LostInterrupt) {
  Client client(seam());
  kernel->inject(0, {.lose_interrupt = true});
  Client::Memory src = client.create(kCube);
  TaskBuilder builder = pass_through();
  EXPECT_EQ(client.run(builder, {src, src}), -MEDLAR_ETIME);
  expect_correct_inference(client);
}

TEST_F(Faults, SpuriousInterrupt) {
  Client client(seam());
  kernel->inject(0, {.spurious_interrupt = true});
  expect_correct_inference(client);
  EXPECT_EQ(client.counters().spurious_interrupts, 1u);
}

TEST_F(Faults, TimeoutInDeviceTime) {
  KernelOptions options = small_module("nv_large");
  options.op_time = [](const chip::ExecutedOp&, const hw::PowerMode&) { return 1000; };
  start(std::move(options));
  Client client(seam());
  Client::Memory src = client.create(kCube);
  TaskBuilder builder(1);
  for (int i = 0; i < 5; ++i) {
    builder.add_sdp(TaskBuilder::cube(5, 8, 8, 32), TaskBuilder::cube(5, 8, 8, 32));
  }
  const int fence = client.submit(builder, {src}, {}, 2500);
  EXPECT_EQ(client.finish(fence), -MEDLAR_ETIME);
  EXPECT_EQ(client.last_error().limit, 2500);
  EXPECT_EQ(kernel->device_time_ns(0), 200'000u + 3000u) << "waking, then three operations";
  expect_correct_inference(client);
}

/// Holds the worker inside an operation until released.
class Gate {
 public:
  void attach(Kernel& kernel) {
    kernel.set_observer([this](const CompletedOp&) {
      std::unique_lock lock(mutex_);
      entered_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return open_; });
    });
  }
  void wait_until_entered() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
};

TEST_F(Faults, ContextKilledWithWorkInFlight) {
  Gate gate;
  gate.attach(*kernel);
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube);
  TaskBuilder builder(2);
  builder.add_sdp();
  builder.add_sdp();
  const int running = client.submit(builder, {src, dst});
  const int queued = client.submit(builder, {src, dst});
  gate.wait_until_entered();
  std::thread killer([&] {
    medlar_context args{};
    args.context = client.context();
    EXPECT_EQ(client.call(MEDLAR_DESTROY_CONTEXT, args), 0);
  });
  medlar_wait_fence poll{};
  poll.fence = queued;
  EXPECT_EQ(client.call(MEDLAR_WAIT_FENCE, poll), -MEDLAR_ETIME);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  gate.open();
  killer.join();
  EXPECT_EQ(client.finish(running), -MEDLAR_ECANCELED);
  EXPECT_EQ(client.finish(queued), -MEDLAR_ECANCELED);
  EXPECT_EQ(client.counters().live_buffers, 0u);
  Client other(seam());
  expect_correct_inference(other);
}

TEST_F(Faults, DescriptorClosedEarly) {
  Gate gate;
  gate.attach(*kernel);
  auto client = std::make_unique<Client>(seam());
  Client::Memory src = client->create(kCube);
  TaskBuilder builder(2);
  builder.add_sdp();
  builder.add_sdp();
  const int fence = client->submit(builder, {src, src});
  gate.wait_until_entered();
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    gate.open();
  });
  client.reset();
  opener.join();
  Client other(seam());
  EXPECT_EQ(other.finish(fence), -MEDLAR_ECANCELED) << "the fence outlives the file";
  expect_correct_inference(other);
  EXPECT_EQ(other.counters().live_mappings, 1u) << "a user mapping outlives the file, as with mmap";
  EXPECT_EQ(seam()->unmap(seam()->self, src.bytes.data(), 4096), 0);
  EXPECT_EQ(other.counters().live_pages, 0u);
}

TEST_F(Faults, BuffersOfQueuedTasksSurviveTheirHandles) {
  Gate gate;
  gate.attach(*kernel);
  Client client(seam());
  Client::Memory src = client.create(kCube);
  Client::Memory dst = client.create(kCube);
  TaskBuilder builder = pass_through();
  const int first = client.submit(builder, {src, dst});
  const int second = client.submit(builder, {src, dst});
  gate.wait_until_entered();
  client.destroy(src);
  client.destroy(dst);
  gate.open();
  EXPECT_EQ(client.finish(first), 0);
  EXPECT_EQ(client.finish(second), 0);
  EXPECT_EQ(client.counters().live_pages, 0u);
}

TEST_F(Faults, FailedFencesFailWhatWaitsForThem) {
  Client client(seam());
  Client other(seam());
  kernel->inject(0, {.hang = true});
  Client::Memory src = client.create(kCube);
  Client::Memory dst = other.create(kCube);
  TaskBuilder builder = pass_through();
  const int first = client.submit(builder, {src, src});
  const int second = other.submit(builder, {dst, dst}, {first, first});
  EXPECT_EQ(other.finish(second), -MEDLAR_ECANCELED);
  EXPECT_EQ(other.last_error().kind, static_cast<uint32_t>(MEDLAR_ERROR_FENCE));
  EXPECT_EQ(client.finish(first), -MEDLAR_ETIME);
  expect_correct_inference(client);
}

TEST_F(Faults, SubmitDuringReset) {
  Client client(seam());
  Client::Memory src = client.create(kCube);
  TaskBuilder builder = pass_through();
  std::vector<int> fences;
  for (int i = 0; i < 20; ++i) {
    kernel->inject(0, {.hang = i % 4 == 0});
    fences.push_back(client.submit(builder, {src, src}));
  }
  uint64_t failed = 0;
  for (const int fence : fences) {
    failed += client.finish(fence) != 0;
  }
  const medlar_query_counters counters = client.counters();
  EXPECT_EQ(counters.tasks_failed, failed);
  EXPECT_EQ(counters.tasks_completed + counters.tasks_failed, 20u) << "no lost completion";
  EXPECT_EQ(counters.resets, failed);
  kernel->inject(0, {});
  expect_correct_inference(client);
}

TEST_F(Faults, ManyThreadsLoseNothing) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 50;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      Client client(seam());
      for (int i = 0; i < kTasks; ++i) {
        expect_correct_inference(client);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  Client client(seam());
  const medlar_query_counters counters = client.counters();
  EXPECT_EQ(counters.tasks_submitted, uint64_t{kThreads * kTasks});
  EXPECT_EQ(counters.tasks_completed, uint64_t{kThreads * kTasks});
  EXPECT_EQ(counters.live_pages + counters.live_buffers + counters.live_fences + counters.live_mappings, 0u);
  EXPECT_EQ(kernel->soc().smmu().counters().mapped_pages, 0u);
}

/// Random calls with random arguments, near-valid ones among them: errors, never harm.
TEST_F(Faults, RandomCallsAreHarmless) {
  std::mt19937 random(5);
  Client victim(seam());
  for (int round = 0; round < 20000; ++round) {
    alignas(8) uint8_t args[256] = {};
    const uint32_t request = random() % 14;
    uint32_t size[] = {sizeof(medlar_query_device), 0, sizeof(medlar_context), sizeof(medlar_buffer),
                       sizeof(medlar_submit)};
    size[0] = random() % 8 == 0 ? random() % sizeof args : size[random() % 5];
    std::memcpy(args, size, sizeof size[0]);
    for (uint32_t n = random() % 6; n > 0; --n) {
      args[4 + random() % (size[0] > 12 ? size[0] - 8 : 8)] =
          static_cast<uint8_t>(random() % 3 == 0 ? random() : random() % 5);
    }
    const int fd = static_cast<int>(random() % 12);
    seam()->ioctl(seam()->self, fd, request, args);
    switch (random() % 20) {
      case 0:
        seam()->open(seam()->self, "nvhost-nvdla0");
        break;
      case 1:
        seam()->close(seam()->self, fd == victim.fd() ? 0 : fd);
        break;
      case 2: {
        void* mapped = seam()->map(seam()->self, fd, uint64_t{random() % 4} << 40, 4096);
        EXPECT_TRUE(mapped == nullptr || seam()->unmap(seam()->self, mapped, 4096) == 0);
        break;
      }
      default:
        break;
    }
  }
  for (int fd = 3; fd < 2000; ++fd) {
    if (fd != victim.fd()) {
      seam()->close(seam()->self, fd);
    }
  }
  Client client(seam());
  expect_correct_inference(client);
  EXPECT_EQ(client.counters().live_fences, 0u);
}

TEST_F(Faults, AllContextBanksTaken) {
  KernelOptions options = small_module("nv_large");
  options.soc.max_loadables = 64;
  start(std::move(options));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<Client>(seam()));
  }
  medlar_context args{};
  EXPECT_EQ(clients[0]->call(MEDLAR_CREATE_CONTEXT, args), -MEDLAR_ENOSPC);
  clients.pop_back();
  EXPECT_EQ(clients[0]->call(MEDLAR_CREATE_CONTEXT, args), 0);
}

}  // namespace
}  // namespace medlar::driver::test
