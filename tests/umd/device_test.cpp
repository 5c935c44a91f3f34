// SPDX-License-Identifier: Apache-2.0
// Devices, contexts, buffers: what user mode makes of the kernel's answers.
#include "umd/buffer.hpp"
#include "umd/fake_kernel.hpp"

#include <gtest/gtest.h>

namespace medlar::umd {
namespace {

using test::FakeKernel;

TEST(Device, EnumeratesTheCores) {
  FakeKernel kernel;
  EXPECT_EQ(enumerate(kernel.api), (std::vector<std::string>{"nvhost-nvdla0", "nvhost-nvdla1"}));
  kernel.cores = 0;
  EXPECT_TRUE(enumerate(kernel.api).empty());
  EXPECT_EQ(kernel.live_fds, 0);
}

TEST(Device, MissingNodeIsNamed) {
  FakeKernel kernel;
  const auto device = Device::open(kernel.api, "nvhost-nvdla7");
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error().code, Code::kNotFound);
  EXPECT_EQ(device.error().message, "nvhost-nvdla7: open: ENODEV");
}

TEST(Device, UnterminatedNamesAreCut) {
  FakeKernel kernel;
  const auto device = Device::open(kernel.api, "nvhost-nvdla0");
  ASSERT_TRUE(device) << device.error().to_string();
  EXPECT_EQ((*device)->info().profile, std::string(32, 'p'));
}

TEST(Buffer, FailureShowsTheFigures) {
  FakeKernel kernel;
  kernel.cma_free = 8192;
  const auto context = Context::create(Device::open(kernel.api, "nvhost-nvdla0").value()).value();
  const auto buffer = Buffer::create(context, 16384, {.contiguous = true});
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().code, Code::kResourceExhausted);
  EXPECT_EQ(buffer.error().message,
            "nvhost-nvdla0: allocate 16384 bytes contiguous: ENOMEM (CMA: 8192 of 1048576 bytes free, "
            "longest run 4096)");
}

TEST(Buffer, ExportAndImportShareBytes) {
  FakeKernel kernel;
  {
    auto device = Device::open(kernel.api, "nvhost-nvdla0").value();
    const auto one = Context::create(device).value();
    const auto two = Context::create(device, Priority::kHigh).value();
    const auto original = Buffer::create(one, 100).value();
    EXPECT_EQ(original->size(), 4096u);
    const auto shared = original->export_fd().value();
    const auto imported = Buffer::import(two, shared.get()).value();
    original->map().value()[7] = 42;
    EXPECT_EQ(imported->map().value()[7], 42);
    EXPECT_EQ(imported->map().value().data(), imported->map().value().data());
    EXPECT_EQ(kernel.live_maps, 2);
    EXPECT_EQ(Buffer::import(two, 999).error().code, Code::kInvalidArgument);
  }
  EXPECT_EQ(kernel.live_fds, 0);
  EXPECT_EQ(kernel.live_maps, 0);
  EXPECT_EQ(kernel.live_buffers, 0);
  EXPECT_EQ(kernel.live_contexts, 0);
}

TEST(Fence, HangIsATimeoutAndTheReasonIsTheKernels) {
  FakeKernel kernel;
  const auto context = Context::create(Device::open(kernel.api, "nvhost-nvdla0").value()).value();
  const medlar_address address{};
  kernel.task_status = [](const auto&) { return -MEDLAR_EFAULT; };
  umd::SubmittedTask task = context->submit({.addresses = {&address, 1}, .in_fences = {}}).value();
  EXPECT_EQ(task.serial, 1u);
  kernel.fences_hang = true;
  const auto second = context->submit({.addresses = {&address, 1}, .in_fences = {}});
  EXPECT_EQ(context->last_error(1), std::nullopt);  // Overwritten by the second task's.
  const auto reason = context->last_error(2);
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->message, "nvhost-nvdla0: sdp: read of 0x1000 is not mapped");
  kernel.refuse_submit = -MEDLAR_EINVAL;
  const auto refused = context->submit({.addresses = {&address, 1}, .in_fences = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kCorrupt);
  EXPECT_EQ(refused.error().message, "nvhost-nvdla0: conv 3: src.width is 0, must be 1 to 8192");
}

}  // namespace
}  // namespace medlar::umd
