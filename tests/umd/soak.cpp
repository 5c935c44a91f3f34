// SPDX-License-Identifier: Apache-2.0
// Many small submissions from 8 threads over 4 contexts: every one completes, the copies are right, and nothing is left at
// the end. usage: soak [SUBMISSIONS [THREADS [CONTEXTS]]]; the full run is 1000000.
#include "driver/sim/kernel.hpp"
#include "hw/device.hpp"
#include "tests/umd/tiny_network.hpp"
#include "umd/model.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>

namespace {

using namespace medlar;

struct Plan {
  uint64_t submissions = 20000;
  uint32_t threads = 8, contexts = 4;
};

constexpr size_t kInFlight = 8;  // a thread's

/// One thread's share: a window of runs in flight; every output is compared with its input. How many were right.
uint64_t work(const umd::LoadedModel& model, uint64_t count, uint8_t seed) {
  struct Run {
    umd::Fence fence;
    size_t slot;
  };
  std::vector<umd::Bindings> slots;
  for (size_t i = 0; i < kInFlight; ++i) {
    slots.push_back(model.allocate_bindings().value());
    const MutableBytes input = slots.back().inputs[0].buffer->map().value();
    std::fill_n(input.begin(), test::kTinyBytes, static_cast<uint8_t>(seed + i));
  }
  uint64_t right = 0;
  std::deque<Run> flying;
  const auto land = [&] {
    const Run run = flying.front();
    flying.pop_front();
    const bool done = run.fence.wait().has_value();
    const MutableBytes output = slots[run.slot].outputs[0].buffer->map().value();
    right += done && output[0] == static_cast<uint8_t>(seed + run.slot) && output[0] == output[31] ? 1 : 0;
    std::fill_n(output.begin(), test::kTinyBytes, uint8_t{0});
  };
  for (uint64_t i = 0; i < count; ++i) {
    const size_t slot = i % kInFlight;
    if (flying.size() == kInFlight) {
      land();
    }
    flying.push_back({model.submit(slots[slot]).value(), slot});
  }
  while (!flying.empty()) {
    land();
  }
  return right;
}

uint64_t run_all(const Plan& plan, driver::Kernel& kernel) {
  std::vector<umd::LoadedModel> models;
  for (uint32_t i = 0; i < plan.contexts; ++i) {
    auto device = umd::Device::open(*kernel.seam(), "nvhost-nvdla0").value();
    auto context = umd::Context::create(std::move(device), static_cast<umd::Priority>(i % 3)).value();
    models.push_back(umd::LoadedModel::load(std::move(context), test::tiny_network()).value());
  }
  std::atomic<uint64_t> right{0};
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < plan.threads; ++i) {
    const uint64_t share = plan.submissions / plan.threads + (i < plan.submissions % plan.threads ? 1 : 0);
    threads.emplace_back([&, i, share] { right += work(models[i % plan.contexts], share, static_cast<uint8_t>(17 * i + 1)); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return right;
}

int soak(const Plan& plan) {
  driver::KernelOptions options;
  options.soc = soc::SocConfig::of(**hw::find_device("nvdla-nv_full"));
  const auto kernel = driver::Kernel::create(std::move(options)).value();
  const auto start = std::chrono::steady_clock::now();
  const uint64_t right = run_all(plan, *kernel);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const umd::Counters c = umd::Device::open(*kernel->seam(), "nvhost-nvdla0").value()->counters().value();
  const uint64_t left = c.live_contexts + c.live_buffers + c.live_pages + c.live_fences + c.live_mappings +
                        c.live_loadables + kernel->soc().smmu().counters().mapped_pages;
  fmt::print("{} submissions, {} threads, {} contexts: {} completed, {} right, {} failed, {} left over; {:.1f} s host time, "
             "{:.2f} us each\n",
             plan.submissions, plan.threads, plan.contexts, c.tasks_completed, right, c.tasks_failed, left, seconds,
             1e6 * seconds / static_cast<double>(plan.submissions));
  return right == plan.submissions && c.tasks_completed == plan.submissions && left == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  plan.submissions = argc > 1 ? number(1) : plan.submissions;
  plan.threads = argc > 2 ? static_cast<uint32_t>(number(2)) : plan.threads;
  plan.contexts = argc > 3 ? static_cast<uint32_t>(number(3)) : plan.contexts;
  if (plan.submissions == 0 || plan.threads == 0 || plan.contexts == 0) {
    fmt::print(stderr, "usage: {} [SUBMISSIONS [THREADS [CONTEXTS]]]\n", argv[0]);
    return 2;
  }
  return soak(plan);
}
