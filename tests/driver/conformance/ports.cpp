// SPDX-License-Identifier: Apache-2.0
// The ports: the simulated kernel on several chips, and the bare core on a chip without arithmetic.
#include "driver/conformance/port.hpp"
#include "driver/fake_chip.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>

namespace medlar::driver::test {
namespace {

/// Stops the core inside an operation.
class Gate {
 public:
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = false;
    }
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    inside_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_; });
    inside_ = false;
  }
  void wait_until_inside() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false, inside_ = false;
};

class SimPort final : public Port {
 public:
  SimPort(const char* chip, uint32_t cores) {
    KernelOptions options = small_module(chip, cores);
    options.op_time = [](const chip::ExecutedOp&, const hw::PowerMode&) { return 1000; };
    options.observer = [this](const CompletedOp& op) {
      {
        const std::lock_guard lock(mutex_);
        if (serials_.empty() || serials_.back() != op.serial) {
          serials_.push_back(op.serial);
        }
      }
      gate_.pass();
    };
    atom_ = options.soc.chip->memory_atom;
    kernel_ = Kernel::create(std::move(options)).value();
    node_ = cores > 1 ? "nvhost-nvdla1" : "nvhost-nvdla0";
    core_ = cores - 1;
  }
  ~SimPort() override { gate_.open(); }

  uint32_t atom() const override { return atom_; }
  int open_context(uint32_t priority) override {
    Slot slot;
    slot.client = std::make_unique<Client>(kernel_->seam(), node_, priority);
    slot.data = {slot.client->create(bytes()), slot.client->create(bytes())};
    slots_.push_back(std::move(slot));
    return static_cast<int>(slots_.size()) - 1;
  }
  void kill_context(int context) override {
    Slot& slot = at(context);
    for (const Client::Memory& memory : slot.data) {
      EXPECT_EQ(kernel_->seam()->unmap(kernel_->seam()->self, memory.bytes.data(), memory.bytes.size()), 0);
    }
    slot.client->close();
  }
  int submit(int context, TaskBuilder& builder, const std::vector<int>& after, uint64_t timeout_ns) override {
    std::vector<int32_t> fences;
    for (const int task : after) {
      fences.push_back(tasks_.at(static_cast<size_t>(task)).fence);
    }
    Slot& slot = at(context);
    const int fence = slot.client->submit(builder, slot.data, fences, timeout_ns);
    if (fence < 0) {
      return fence;
    }
    tasks_.push_back({fence, slot.client->serial});
    return static_cast<int>(tasks_.size()) - 1;
  }
  int wait(int task) override {
    medlar_wait_fence args{};
    args.struct_size = sizeof args;
    args.fence = tasks_.at(static_cast<size_t>(task)).fence;
    args.timeout_ns = -1;
    const int fd = kernel_->seam()->open(kernel_->seam()->self, node_);  // a killed context's file is closed
    EXPECT_EQ(kernel_->seam()->ioctl(kernel_->seam()->self, fd, MEDLAR_WAIT_FENCE, &args), 0);
    kernel_->seam()->close(kernel_->seam()->self, fd);
    return args.status;
  }
  std::vector<int> order() const override {
    const std::lock_guard lock(mutex_);
    std::vector<int> order;
    for (const uint64_t serial : serials_) {
      const auto same = [&](const Task& task) { return task.serial == serial; };
      const auto found = std::find_if(tasks_.begin(), tasks_.end(), same);
      if (found != tasks_.end()) {
        order.push_back(static_cast<int>(found - tasks_.begin()));
      }
    }
    return order;
  }
  medlar_query_error reason(int context) override { return at(context).client->last_error(); }
  void inject(const FaultInjection& fault) override { kernel_->inject(core_, fault); }
  void hold() override {
    gate_.close();
    blocker_ = open_context(MEDLAR_PRIORITY_NORMAL);
    TaskBuilder builder = copies(atom_);
    held_ = submit(blocker_, builder, {}, 0);
    at(blocker_).client->hurry(tasks_.back().fence);
    gate_.wait_until_inside();
  }
  void release() override {
    gate_.open();
    EXPECT_EQ(wait(held_), 0);
  }
  PortCounters counters() override {
    Client client(kernel_->seam(), node_);
    const medlar_query_counters c = client.counters();
    return {c.tasks_submitted, c.tasks_completed, c.tasks_failed, c.resets,
            c.timeouts,        c.spurious_interrupts, c.power_ups, c.clock_enables};
  }
  void idle(uint64_t ns) override { kernel_->idle(core_, ns); }
  int add_loadable(int context) override {
    medlar_loadable args{};
    args.context = at(context).client->context();
    return at(context).client->call(MEDLAR_ADD_LOADABLE, args);
  }
  bool infers_correctly() override {
    return copies_on(node_) &&
           (core_ == 0 || copies_on("nvhost-nvdla0"));  // what befalls one core leaves the other alone
  }
  bool copies_on(const char* node) {
    Client client(kernel_->seam(), node);
    const std::vector<Client::Memory> data = {client.create(bytes(), 0), client.create(bytes(), 0)};
    for (size_t i = 0; i < bytes(); ++i) {
      data[0].bytes[i] = static_cast<uint8_t>(i * 31 + i / 256);
    }
    TaskBuilder builder = copies(atom_);
    const bool right = client.run(builder, data) == 0 &&
                       std::memcmp(data[0].bytes.data(), data[1].bytes.data(), bytes()) == 0;
    for (Client::Memory memory : data) {
      client.destroy(memory);
    }
    return right;
  }
  uint64_t leftovers() override {
    for (const Task& task : tasks_) {
      EXPECT_EQ(kernel_->seam()->close(kernel_->seam()->self, task.fence), 0);
    }
    tasks_.clear();
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].client->fd() >= 0) {
        kill_context(static_cast<int>(i));
      }
    }
    Client client(kernel_->seam(), node_);
    const medlar_query_counters c = client.counters();
    return c.live_buffers + c.live_pages + c.live_fences + c.live_mappings + c.live_contexts - 1 +
           c.live_loadables - 1;
  }
  Kernel* kernel() override { return kernel_.get(); }
  Client* client(int context) override { return at(context).client.get(); }

 private:
  struct Slot {
    std::unique_ptr<Client> client;
    std::vector<Client::Memory> data;
  };
  struct Task {
    int fence = -1;
    uint64_t serial = 0;
  };
  Slot& at(int context) { return slots_.at(static_cast<size_t>(context)); }
  uint64_t bytes() const { return uint64_t{64} * atom_; }

  uint32_t atom_ = 32, core_ = 0;
  const char* node_ = "";
  Gate gate_;
  mutable std::mutex mutex_;
  std::vector<uint64_t> serials_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<Slot> slots_;
  std::vector<Task> tasks_;
  int blocker_ = -1, held_ = -1;
};

/// The core alone: queues, register groups and interrupts are real, arithmetic and memory are not.
class FakePort final : public Port {
 public:
  explicit FakePort(const dla_config& config) : system_(config) {}

  uint32_t atom() const override { return system_.config.memory_atom; }
  int open_context(uint32_t priority) override {
    dla_context_add(&system_.device, &contexts_.emplace_back(), priority);
    return static_cast<int>(contexts_.size()) - 1;
  }
  void kill_context(int context) override { dla_context_cancel(&system_.device, &at(context)); }
  int submit(int context, TaskBuilder& builder, const std::vector<int>& after, uint64_t timeout_ns) override {
    dla_request request = builder.request();
    request.timeout_ns = timeout_ns;
    const dla_port port = system_.port();
    dla_task* task = nullptr;
    medlar_query_error reason;
    const int error = dla_task_create(&port, &system_.config, &request, &task, &reason);
    if (error != 0) {
      reasons_[context] = reason;
      return error;
    }
    const int number = static_cast<int>(tasks_.size());
    task->cookie = reinterpret_cast<void*>(static_cast<intptr_t>(number));
    tasks_.push_back({context, task});
    for (const int earlier : after) {
      waiting_.emplace_back(earlier, number);
    }
    dla_submit(&system_.device, &at(context), task, static_cast<uint32_t>(after.size()));
    return number;
  }
  int wait(int task) override {
    while (!ended(task)) {
      system_.run_one();
      take_ended();
    }
    return statuses_.at(task);
  }
  std::vector<int> order() const override { return order_; }
  medlar_query_error reason(int context) override { return reasons_[context]; }
  void inject(const FaultInjection& fault) override { system_.injected = fault; }
  void hold() override {}
  void release() override {}
  PortCounters counters() override {
    const dla_counters& c = system_.device.counters;
    return {c.submitted, c.completed, c.failed, c.resets, c.timeouts, c.spurious, c.power_ups, c.clock_enables};
  }
  void idle(uint64_t ns) override {
    dla_idle(&system_.device);
    system_.now_ns += ns;
    dla_idle(&system_.device);
  }
  int add_loadable(int) override { return dla_loadable_add(&system_.device); }
  bool infers_correctly() override {
    const size_t before = system_.chip.executed.size();
    TaskBuilder builder = copies(atom());
    return wait(submit(open_context(MEDLAR_PRIORITY_NORMAL), builder, {}, 0)) == 0 &&
           system_.chip.executed.size() == before + 1;
  }
  uint64_t leftovers() override {
    while (system_.run_one()) {
      take_ended();
    }
    return static_cast<uint64_t>(system_.live_bytes);
  }

 private:
  struct Task {
    int context = 0;
    dla_task* task = nullptr;
  };
  dla_context& at(int context) { return contexts_.at(static_cast<size_t>(context)); }
  bool ended(int task) const { return statuses_.contains(task); }
  void take_ended() {
    for (const FakeSystem::Ended& ended : system_.ended) {
      const int number = static_cast<int>(reinterpret_cast<intptr_t>(ended.cookie));
      statuses_[number] = ended.status;
      order_.push_back(number);
      if (ended.status != 0) {
        reasons_[tasks_[static_cast<size_t>(number)].context] = ended.reason;
      }
      for (const auto& [earlier, later] : waiting_) {
        if (earlier == number) {
          dla_unblock(&system_.device, tasks_[static_cast<size_t>(later)].task, ended.status);
        }
      }
    }
    system_.ended.clear();
  }

  FakeSystem system_;
  std::deque<dla_context> contexts_;
  std::vector<Task> tasks_;
  std::vector<std::pair<int, int>> waiting_;  ///< Earlier, later.
  std::map<int, int> statuses_;
  std::map<int, medlar_query_error> reasons_;
  std::vector<int> order_;
};

}  // namespace

TaskBuilder copies(uint32_t atom, int count) {
  TaskBuilder builder(2);
  const auto channels = static_cast<uint16_t>(atom);
  for (int i = 0; i < count; ++i) {
    builder.add_sdp(TaskBuilder::cube(5, 8, 8, channels, 1, atom), TaskBuilder::cube(6, 8, 8, channels, 1, atom));
  }
  return builder;
}

const std::vector<PortEntry>& ports() {
  static const std::vector<PortEntry> kPorts = {
      {"sim_nv_small", []() -> std::unique_ptr<Port> { return std::make_unique<SimPort>("nv_small", 1); }},
      {"sim_nv_medium_512", []() -> std::unique_ptr<Port> { return std::make_unique<SimPort>("nv_medium_512", 1); }},
      {"sim_nv_full", []() -> std::unique_ptr<Port> { return std::make_unique<SimPort>("nv_full", 1); }},
      {"sim_nv_full_core1", []() -> std::unique_ptr<Port> { return std::make_unique<SimPort>("nv_full", 2); }},
      {"fake_full", []() -> std::unique_ptr<Port> { return std::make_unique<FakePort>(full_config()); }},
      {"fake_small", []() -> std::unique_ptr<Port> { return std::make_unique<FakePort>(small_config()); }},
  };
  return kPorts;
}

}  // namespace medlar::driver::test
