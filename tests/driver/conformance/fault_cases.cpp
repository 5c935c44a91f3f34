// SPDX-License-Identifier: Apache-2.0
// The fault matrix: each case ends in a named error; that the device then infers correctly is asked of every case.
#include "driver/conformance/port.hpp"

#include <cstring>
#include <thread>

namespace medlar::driver::test {
namespace {

int run_one(Port& port, int context) {
  TaskBuilder builder = copies(port.atom());
  return port.wait(port.submit(context, builder));
}

void cma_exhausted(Port& port) {
  Client& client = *port.client(port.open_context(MEDLAR_PRIORITY_NORMAL));
  std::vector<Client::Memory> taken;
  for (uint64_t size = 4 << 20; size >= 4096; size /= 2) {
    for (Client::Memory memory = client.create(size); memory.handle != 0; memory = client.create(size)) {
      taken.push_back(memory);
    }
  }
  EXPECT_EQ(client.error, -MEDLAR_ENOMEM);
  EXPECT_NE(std::strstr(client.last_error().message, "CMA: 4096 contiguous bytes asked, 0 free"), nullptr);
  EXPECT_TRUE(port.infers_correctly()) << "scattered pages are still there";
  for (Client::Memory& memory : taken) {
    client.destroy(memory);
  }
}

void cma_fragmented(Port& port) {
  Client& client = *port.client(port.open_context(MEDLAR_PRIORITY_NORMAL));
  std::vector<Client::Memory> taken;
  for (Client::Memory memory = client.create(1 << 20); memory.handle != 0; memory = client.create(1 << 20)) {
    taken.push_back(memory);
  }
  for (size_t i = 0; i < taken.size(); i += 2) {
    client.destroy(taken[i]);
  }
  EXPECT_EQ(client.create(2 << 20).handle, 0u);
  EXPECT_NE(std::strstr(client.last_error().message, "(fragmented)"), nullptr);
  for (size_t i = 1; i < taken.size(); i += 2) {
    client.destroy(taken[i]);
  }
  Client::Memory whole = client.create(2 << 20);
  EXPECT_NE(whole.handle, 0u) << "neighbours merge again";
  client.destroy(whole);
}

/// Unmaps the first context's pages behind the driver's back, or puts read-only ones in their place.
void break_mapping(Port& port, bool read_only) {
  soc::Soc& soc = port.kernel()->soc();
  const soc::BankId bank = 1;  // the first context's
  soc::Smmu& smmu = soc.smmu();
  constexpr soc::StreamId kProbe = 99;
  smmu.bind(kProbe, bank);
  for (uint64_t at = 0x8000'0000; at < 0x8200'0000; at += soc::kPageBytes) {
    if (smmu.probe(kProbe, {at}, soc::Direction::kWrite)) {
      smmu.unmap(bank, {at}, soc::kPageBytes);
      if (read_only) {
        const auto pages = soc.memory().allocate(soc::Pool::kPages, soc::kPageBytes);
        ASSERT_TRUE(smmu.map(bank, {at}, *pages, false));
      }
    }
  }
}

void smmu_translation_fault(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  break_mapping(port, false);
  EXPECT_EQ(run_one(port, context), -MEDLAR_EFAULT);
  const medlar_query_error error = port.reason(context);
  EXPECT_EQ(error.kind, static_cast<uint32_t>(MEDLAR_ERROR_TRANSLATION));
  EXPECT_EQ(error.op_type, NVDLA_OP_TYPE_SDP);
  EXPECT_NE(error.iova, 0u);
  EXPECT_NE(error.access, 0u);
}

void permission_fault(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  break_mapping(port, true);
  EXPECT_EQ(run_one(port, context), -MEDLAR_EFAULT);
  EXPECT_EQ(port.reason(context).kind, static_cast<uint32_t>(MEDLAR_ERROR_PERMISSION));
  EXPECT_EQ(port.reason(context).access, 2u);
}

void hung_operation(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  const int other = port.open_context(MEDLAR_PRIORITY_NORMAL);
  port.inject({.hang = true});
  TaskBuilder builder = copies(port.atom());
  const int hung = port.submit(context, builder);
  const int innocent = port.submit(other, builder);
  EXPECT_EQ(port.wait(hung), -MEDLAR_ETIME);
  EXPECT_EQ(port.wait(innocent), 0) << "the others' work goes on after the reset";
  EXPECT_EQ(port.reason(context).kind, static_cast<uint32_t>(MEDLAR_ERROR_HANG));
  EXPECT_EQ(port.reason(context).op_index, 0);
  EXPECT_EQ(port.counters().resets, 1u);
  EXPECT_EQ(port.counters().timeouts, 1u);
}

void lost_interrupt(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  port.inject({.lose_interrupt = true});
  EXPECT_EQ(run_one(port, context), -MEDLAR_ETIME);
  EXPECT_EQ(port.reason(context).kind, static_cast<uint32_t>(MEDLAR_ERROR_HANG));
}

void spurious_interrupt(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  port.inject({.spurious_interrupt = true});
  EXPECT_EQ(run_one(port, context), 0) << "it is counted and does no harm";
  EXPECT_GE(port.counters().spurious, 1u);
}

void submit_during_reset(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  TaskBuilder builder = copies(port.atom());
  std::vector<int> tasks;
  for (int i = 0; i < 24; ++i) {
    if (i % 6 == 0) {
      port.inject({.hang = true});
    }
    tasks.push_back(port.submit(context, builder));
  }
  uint64_t failed = 0;
  for (const int task : tasks) {
    const int status = port.wait(task);
    EXPECT_TRUE(status == 0 || status == -MEDLAR_ETIME) << status;
    failed += status != 0 ? 1 : 0;
  }
  EXPECT_GE(failed, 1u);
  EXPECT_EQ(port.counters().resets, failed);
}

void context_killed_with_work_in_flight(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  port.hold();
  TaskBuilder builder = copies(port.atom(), 3);
  const int first = port.submit(context, builder);
  const int second = port.submit(context, builder);
  std::thread killer([&] { port.kill_context(context); });
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  port.release();
  killer.join();
  EXPECT_EQ(port.wait(first), -MEDLAR_ECANCELED);
  EXPECT_EQ(port.wait(second), -MEDLAR_ECANCELED);
}

void descriptor_closed_early(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  Client& client = *port.client(context);
  Client::Memory memory = client.create(4096, 0);
  port.hold();
  TaskBuilder builder = copies(port.atom());
  const int task = port.submit(context, builder);
  std::thread closer([&] { port.kill_context(context); });  // closes the device's descriptor
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  port.release();
  closer.join();
  EXPECT_EQ(port.wait(task), -MEDLAR_ECANCELED) << "the fence outlives the file";
  memory.bytes[0] = 1;  // and so does the mapping, as with mmap
  const medlar_kernel* seam = port.kernel()->seam();
  EXPECT_EQ(seam->unmap(seam->self, memory.bytes.data(), memory.bytes.size()), 0);
}

void out_of_sram(Port& port) {
  Client& client = *port.client(port.open_context(MEDLAR_PRIORITY_NORMAL));
  EXPECT_EQ(client.create(2 << 20, MEDLAR_BUFFER_SRAM).handle, 0u);
  EXPECT_EQ(client.error, -MEDLAR_ENOMEM);
  EXPECT_NE(std::strstr(client.last_error().message, "SRAM"), nullptr) << client.last_error().message;
}

void power_gated_access(Port& port) {
  const int context = port.open_context(MEDLAR_PRIORITY_NORMAL);
  const uint64_t power_ups = port.counters().power_ups;
  port.inject({.lose_power = true});
  EXPECT_EQ(run_one(port, context), -MEDLAR_ENODEV);
  const medlar_query_error error = port.reason(context);
  EXPECT_EQ(error.kind, static_cast<uint32_t>(MEDLAR_ERROR_POWER));
  EXPECT_GT(error.value, 0) << "the register";
  EXPECT_EQ(run_one(port, context), 0);
  EXPECT_EQ(port.counters().power_ups, power_ups + 2);
}

}  // namespace

const std::vector<ConformanceCase>& fault_cases() {
  static const std::vector<ConformanceCase> kCases = {
      {"cma_exhausted", cma_exhausted},
      {"cma_fragmented", cma_fragmented},
      {"smmu_translation_fault", smmu_translation_fault},
      {"permission_fault", permission_fault},
      {"hung_operation", hung_operation},
      {"lost_interrupt", lost_interrupt},
      {"spurious_interrupt", spurious_interrupt},
      {"submit_during_reset", submit_during_reset},
      {"context_killed_with_work_in_flight", context_killed_with_work_in_flight},
      {"descriptor_closed_early", descriptor_closed_early},
      {"out_of_sram", out_of_sram},
      {"power_gated_access", power_gated_access},
  };
  return kCases;
}

}  // namespace medlar::driver::test
