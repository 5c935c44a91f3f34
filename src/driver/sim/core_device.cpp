// SPDX-License-Identifier: Apache-2.0
// One DLA core: contexts, submission, fences, and the port's small services.
#include "driver/sim/core_device.hpp"

#include <cstdlib>

#include <fmt/format.h>

namespace medlar::driver {
namespace {

constexpr uint32_t kMaxOperations = 16384;  // three events each, numbered in 16 bits
constexpr uint32_t kMaxAddresses = 6144;    // NVIDIA's user-mode driver has the same limit

uint32_t features_of(const hw::HwConfig& chip) {
  uint32_t features = 0;
  const auto set = [&](bool has, uint32_t bit) { features |= has ? bit : 0; };
  set(chip.bdma, MEDLAR_FEATURE_BDMA);
  set(chip.rubik, MEDLAR_FEATURE_RUBIK);
  set(chip.cdp, MEDLAR_FEATURE_CDP);
  set(chip.pdp, MEDLAR_FEATURE_PDP);
  set(chip.sdp_ew(), MEDLAR_FEATURE_ELTWISE);
  set(chip.sdp_lut, MEDLAR_FEATURE_LUT);
  set(chip.weight_compression, MEDLAR_FEATURE_COMPRESSION);
  set(chip.winograd, MEDLAR_FEATURE_WINOGRAD);
  set(chip.batch(), MEDLAR_FEATURE_BATCH);
  return features;
}

}  // namespace

dla_config CoreDevice::make_config(const soc::SocConfig& soc, uint64_t default_timeout_ns) {
  const hw::HwConfig& chip = *soc.chip;
  dla_config config{};
  config.register_map = chip.register_map == hw::RegisterMap::kV1 ? 1 : 2;
  config.precisions = chip.precision_bits;
  config.max_batch = static_cast<uint16_t>(chip.max_batch);
  config.features = features_of(chip);
  config.memory_atom = chip.memory_atom;
  config.alignment = chip.dma_address_alignment;
  config.cbuf_banks = chip.cbuf_banks;
  config.max_operations = kMaxOperations;
  config.max_addresses = kMaxAddresses;
  config.max_loadables = soc.max_loadables;
  config.default_timeout_ns = default_timeout_ns;
  config.power_idle_ns = soc.platform->power_idle_us * 1000;
  return config;
}

CoreDevice::CoreDevice(soc::Soc& soc, KernelLog& log_to, uint32_t core, const KernelOptions& options)
    : soc_(soc),
      chip_(soc.chip(core)),
      base_(soc.base_of(core)),
      core_(core),
      node_(fmt::format("{}{}", MEDLAR_DEVICE_NODE, core)),
      device_name_(soc.device_name(core)),
      log_(log_to),
      observer_(options.observer),
      op_time_(options.op_time) {
  const dla_port port = make_port();
  const dla_config config = make_config(soc.config(), options.default_timeout_ns);
  dla_device_init(&device_, &port, &config);
  chip_.set_observer([this](const chip::ExecutedOp& executed) { on_executed(executed); });
  const hw::Platform& platform = *soc.config().platform;
  log(Severity::kInfo, fmt::format("{} at {:#x}, irq {}, smmu {}, power domain {}", platform.compatible, base_,
                                   platform.irq[core], platform.smmu[core], platform.power_domains[core]));
  log(Severity::kInfo, fmt::format("{}: {} banks of CBUF, {} kHz in mode {}, up to {} loadables", soc.config().profile,
                                   config.cbuf_banks, soc.mode().dla_hz / 1000, soc.mode().name, config.max_loadables));
  log(Severity::kInfo, "probed");
  worker_ = std::thread([this] { work(); });
}

CoreDevice::~CoreDevice() {
  {
    const std::lock_guard lock(wake_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  worker_.join();
  chip_.set_observer({});
}

void CoreDevice::log(Severity severity, std::string_view line) const {
  log_.add({time_ns_, severity, fmt::format("nvdla {}: {}", device_name_, line)});
}

dla_port CoreDevice::make_port() {
  dla_port port{};
  port.self = this;
  port.read = [](void* s, uint32_t address, uint32_t* value) {
    return static_cast<CoreDevice*>(s)->read_register(address, value);
  };
  port.write = [](void* s, uint32_t address, uint32_t value) {
    return static_cast<CoreDevice*>(s)->write_register(address, value);
  };
  port.allocate = [](void*, size_t bytes) { return std::calloc(1, bytes); };
  port.release = [](void*, void* memory, size_t) { std::free(memory); };
  port.fetch = [](void*, void* buffer, uint64_t offset, void* out, size_t bytes) {
    static_cast<Buffer*>(buffer)->pages()->read(offset, {static_cast<uint8_t*>(out), bytes});
    return 0;
  };
  port.lock = [](void* s) { static_cast<CoreDevice*>(s)->lock_.lock(); };
  port.unlock = [](void* s) { static_cast<CoreDevice*>(s)->lock_.unlock(); };
  port.now = [](void* s) { return static_cast<CoreDevice*>(s)->time_ns_.load(); };
  port.reset = [](void* s) { static_cast<CoreDevice*>(s)->reset(); };
  port.set_power = [](void* s, dla_power power) { return static_cast<CoreDevice*>(s)->set_power(power); };
  port.finished = [](void* s, dla_task* task) { static_cast<CoreDevice*>(s)->finished(task); };
  return port;
}

dla_counters CoreDevice::counters() {
  // The worker counts a running task without a lock, so its share appears when it ends.
  const std::lock_guard lock(lock_);
  dla_counters result = published_;
  result.submitted = device_.counters.submitted;
  return result;
}

uint32_t CoreDevice::loadables() {
  const std::lock_guard lock(lock_);
  return device_.loadables;
}

std::shared_ptr<Context> CoreDevice::create_context(std::shared_ptr<AddressSpace> space, uint32_t priority) {
  auto context = std::make_shared<Context>();
  context->space = std::move(space);
  dla_context_add(&device_, &context->core, priority);
  return context;
}

void CoreDevice::destroy_context(const std::shared_ptr<Context>& context) {
  dla_context_cancel(&device_, &context->core);
  wake();
  hurry();
  std::unique_lock lock(task_mutex_);
  drained_.wait(lock, [&] { return context->live_tasks == 0; });
  lock.unlock();
  dla_context_remove(&device_, &context->core);
}

uint64_t CoreDevice::submit(dla_task* task, std::shared_ptr<TaskRecord> record,
                            const std::vector<std::shared_ptr<Fence>>& in_fences) {
  uint64_t serial = 0;
  {
    const std::lock_guard lock(task_mutex_);
    record->task = task;
    ++record->context->live_tasks;
    ++unfinished_;
    task->cookie = new std::shared_ptr<TaskRecord>(record);
    serial = dla_submit(&device_, &record->context->core, task, static_cast<uint32_t>(in_fences.size()));
  }
  for (const auto& fence : in_fences) {
    fence->on_signal([this, record](int status) { unblock(*record, status); });
  }
  wake();
  return serial;
}

void CoreDevice::unblock(TaskRecord& record, int status) {
  {
    const std::lock_guard lock(task_mutex_);
    if (record.task != nullptr) {
      dla_unblock(&device_, record.task, status);
    }
  }
  wake();
}

void CoreDevice::wake() {
  bool parked = false;
  {
    const std::lock_guard lock(wake_mutex_);
    work_waiting_ = true;
    parked = parked_;
  }
  if (parked) {
    wake_.notify_one();
  }
}

void CoreDevice::hurry() {
  {
    const std::lock_guard lock(wake_mutex_);
    hurried_ = true;
  }
  wake_.notify_one();
}

void CoreDevice::finished(dla_task* task) {
  const std::unique_ptr<std::shared_ptr<TaskRecord>> holder(
      static_cast<std::shared_ptr<TaskRecord>*>(task->cookie));
  TaskRecord& record = **holder;
  const int status = task->status;
  if (status != 0) {
    compose_message(task->reason, bus_error_);
    log(Severity::kError, error_text(task->reason, bus_error_, record.layers));
    record.errors->put(task->reason);
  }
  bus_error_.clear();
  {
    const std::lock_guard lock(lock_);
    published_ = device_.counters;
  }
  {
    const std::lock_guard lock(task_mutex_);
    record.task = nullptr;
  }
  dla_task_destroy(&device_.port, task);
  record.buffers.clear();
  const std::shared_ptr<Context> context = record.context;
  --unfinished_;
  record.fence->signal(status);
  {
    const std::lock_guard lock(task_mutex_);
    --context->live_tasks;
  }
  drained_.notify_all();
}

void CoreDevice::inject(const FaultInjection& fault) {
  const std::lock_guard lock(task_mutex_);
  injected_ = fault;
  armed_ = true;
}

}  // namespace medlar::driver
