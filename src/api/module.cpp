// SPDX-License-Identifier: Apache-2.0
#include "api/module.hpp"

#include "base/checked.hpp"
#include "driver/sim/kernel.hpp"
#include "profile/op_timer.hpp"
#include "profile/recorder.hpp"
#include "timing/machine.hpp"

#include <algorithm>

namespace medlar::api {
namespace {

/// Device time of an operation alone on its core, in the power mode of the moment. What no formula covers takes none.
/// `dram_bytes_per_second` replaces that of every mode; 0 leaves them.
driver::OpTimeModel op_time_of(const hw::DeviceProfile& device, double dram_bytes_per_second) {
  constexpr double kNanoseconds = 1e9;
  std::vector<std::pair<std::string_view, timing::Machine>> machines;
  for (hw::PowerMode mode : device.modes) {
    mode.dram_bytes_per_second = dram_bytes_per_second > 0 ? dram_bytes_per_second : mode.dram_bytes_per_second;
    machines.emplace_back(mode.name, timing::machine_of(device, mode));
  }
  return [machines, config = device.config](const chip::ExecutedOp& op, const hw::PowerMode& mode) -> uint64_t {
    for (const auto& [name, machine] : machines) {
      if (name == mode.name) {
        const auto time = profile::time_of(op, *config, machine);
        return time ? static_cast<uint64_t>(kNanoseconds * time->seconds(machine)) : 0;
      }
    }
    return 0;
  };
}

Result<driver::KernelOptions> kernel_options(const hw::DeviceProfile& device, const ModuleOptions& options) {
  driver::KernelOptions kernel;
  kernel.soc = soc::SocConfig::of(device);
  if (options.cma_bytes != 0) {
    kernel.soc.memory.cma_bytes = round_up(options.cma_bytes, soc::kPageBytes);
  }
  for (const uint32_t core : options.disabled_cores) {
    if (core >= device.dla_cores) {
      return fail(Code::kOutOfRange, "DLA core {}: {} has {}, numbered from 0", core, device.name, device.dla_cores);
    }
  }
  kernel.disabled_cores = options.disabled_cores;
  kernel.log = options.log;
  kernel.op_time = op_time_of(device, options.dram_bytes_per_second);
  return kernel;
}

}  // namespace

/// Members are destroyed from the last to the first: contexts before the kernel that serves them.
struct Module::State {
  const hw::DeviceProfile* device = nullptr;
  hw::PowerMode mode;
  std::unique_ptr<profile::Recorder> recorder;
  std::unique_ptr<driver::Kernel> kernel;
  std::vector<std::shared_ptr<umd::Device>> cores;
  std::shared_ptr<umd::Context> home;
};

Module::Module(std::unique_ptr<State> state) : state_(std::move(state)) {}
Module::~Module() = default;

Result<std::shared_ptr<Module>> Module::boot(const hw::DeviceProfile& device, const ModuleOptions& options) {
  auto state = std::make_unique<State>();
  state->device = &device;
  const hw::PowerMode* mode = &device.mode();
  if (!options.mode.empty()) {
    MEDLAR_ASSIGN(mode, device.find_mode(options.mode));
  }
  state->mode = *mode;
  if (options.dram_bytes_per_second > 0) {
    state->mode.dram_bytes_per_second = options.dram_bytes_per_second;
  }
  state->recorder = std::make_unique<profile::Recorder>(device, state->mode);
  MEDLAR_ASSIGN(driver::KernelOptions kernel, kernel_options(device, options));
  kernel.soc.mode = static_cast<uint32_t>(mode - device.modes.data());
  kernel.observer = [recorder = state->recorder.get()](const driver::CompletedOp& op) {
    recorder->record(op);
  };
  MEDLAR_ASSIGN(state->kernel, driver::Kernel::create(std::move(kernel)));
  MEDLAR_TRY(state->kernel->set_power_mode(mode->name));
  for (const std::string& node : umd::enumerate(*state->kernel->seam())) {
    MEDLAR_ASSIGN(auto core, umd::Device::open(*state->kernel->seam(), node));
    state->cores.push_back(std::move(core));
  }
  if (state->cores.empty() && !options.without_cores) {
    return fail(Code::kNotFound, "{}: no DLA device node", device.name);
  }
  if (!state->cores.empty()) {
    MEDLAR_ASSIGN(state->home, umd::Context::create(state->cores.front()));
  }
  return std::shared_ptr<Module>(new Module(std::move(state)));
}

Result<std::shared_ptr<Module>> Module::boot(std::string_view device, const ModuleOptions& options) {
  if (device.empty()) {
    return boot(hw::default_device(), options);
  }
  MEDLAR_ASSIGN(const hw::DeviceProfile* profile, hw::find_device(device));
  return boot(*profile, options);
}

const hw::DeviceProfile& Module::device() const {
  return *state_->device;
}
const hw::PowerMode& Module::mode() const {
  return state_->mode;
}
uint32_t Module::cores() const {
  return static_cast<uint32_t>(state_->cores.size());
}
void Module::set_tracer(uint32_t core, chip::Tracer* tracer) {
  state_->kernel->soc().chip(core).set_tracer(tracer);
}

const std::shared_ptr<umd::Context>& Module::context() const {
  return state_->home;
}
driver::Kernel& Module::kernel() const {
  return *state_->kernel;
}
profile::Recorder& Module::recorder() const {
  return *state_->recorder;
}

Result<std::shared_ptr<umd::Device>> Module::core(uint32_t index) const {
  if (index >= cores()) {
    return fail(Code::kOutOfRange, "DLA core {}: {} has {}, numbered from 0", index, state_->device->name,
                cores());
  }
  return state_->cores[index];
}

Result<std::shared_ptr<const runtime::LoadedEngine>> Module::load(const engine::Engine& engine,
                                                                  std::string_view name,
                                                                  const EngineOptions& options) {
  MEDLAR_TRY(engine::check_device(engine, *state_->device, name));
  MEDLAR_ASSIGN(auto device, core(options.core));
  driver::Kernel* kernel = state_->kernel.get();
  const uint32_t number = device->info().core;
  return runtime::LoadedEngine::load(
      engine, device,
      {.host = {.provider = options.provider, .threads = options.host_threads, .optimise = true},
       .priority = options.priority,
       .task_timeout = options.task_timeout,
       .clock = {.now_ns = [kernel, number] { return kernel->device_time_ns(number); },
                 .idle_until = [kernel, number](uint64_t until) { kernel->idle_until(number, until); }},
       .keep_alive = shared_from_this()});
}

namespace {

/// Memory and its module go together: a holder of both, handed out as the memory alone.
std::shared_ptr<runtime::DeviceMemory> tied(std::shared_ptr<Module> module, std::shared_ptr<runtime::DeviceMemory> memory) {
  auto both = std::make_shared<std::pair<std::shared_ptr<Module>, std::shared_ptr<runtime::DeviceMemory>>>(
      std::move(module), std::move(memory));
  return std::shared_ptr<runtime::DeviceMemory>(both, both->second.get());
}

}  // namespace

Result<std::shared_ptr<runtime::DeviceMemory>> Module::allocate(uint64_t bytes,
                                                                const umd::BufferOptions& options) {
  MEDLAR_ASSIGN(auto memory, runtime::DeviceMemory::allocate(state_->home, bytes, options));
  return tied(shared_from_this(), std::move(memory));
}

Result<std::shared_ptr<runtime::DeviceMemory>> Module::import_fd(int fd, bool read_only) {
  MEDLAR_ASSIGN(auto memory, runtime::DeviceMemory::import(state_->home, fd, read_only));
  return tied(shared_from_this(), std::move(memory));
}

void Module::idle(std::chrono::nanoseconds duration) {
  for (const auto& core : state_->cores) {
    state_->kernel->idle(core->info().core, static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0)));
  }
}

Status Module::close_fd(int fd) {
  const medlar_kernel* kernel = state_->kernel->seam();
  if (const int result = kernel->close(kernel->self, fd); result < 0) {
    return fail(Code::kInvalidArgument, "descriptor {} is not open: {}", fd, umd::errno_name(result));
  }
  return {};
}

}  // namespace medlar::api
