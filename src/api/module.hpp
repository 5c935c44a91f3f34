// SPDX-License-Identifier: Apache-2.0
// A simulated module, booted: its DLA cores behind their kernel driver, and the memory that engines, contexts
// and the host share. Several engines and any number of execution contexts live on one module within one
// process.
#pragma once

#include "base/log.hpp"
#include "engine/engine.hpp"
#include "hw/device.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/loaded_engine.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::chip {
class Tracer;
}
namespace medlar::profile {
class Recorder;
}
namespace medlar::driver {
class Kernel;
}

namespace medlar::api {

struct ModuleOptions {
  std::string mode = {};          ///< Power mode; empty: the profile's default.
  uint64_t dram_bytes_per_second = 0;  ///< Peak of another memory than the mode's; 0: the mode's.
  LogSink log = null_log_sink();  ///< The kernel's messages.
  uint64_t cma_bytes = 0;         ///< Of the CMA region; 0: the profile's.
  std::vector<uint32_t> disabled_cores = {};  ///< As if their device-tree nodes were disabled.
  bool without_cores = false;                 ///< Boot even when no core answers: to look at the kernel.
};

struct EngineOptions {
  uint32_t core = 0;                                ///< DLA core: --useDLACore.
  host::Provider provider = host::Provider::kAuto;  ///< Of GPU segments.
  int host_threads = 0;                             ///< Of a host segment's run; 0: the machine's.
  umd::Priority priority = umd::Priority::kNormal;
  std::chrono::nanoseconds task_timeout{0};
};

/// Thread-safe. Engines and memory keep their module alive.
class Module : public std::enable_shared_from_this<Module> {
 public:
  static Result<std::shared_ptr<Module>> boot(const hw::DeviceProfile& device,
                                              const ModuleOptions& options = {});
  /// By profile name; empty: the default device.
  static Result<std::shared_ptr<Module>> boot(std::string_view device, const ModuleOptions& options = {});
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const hw::DeviceProfile& device() const;
  const hw::PowerMode& mode() const;
  uint32_t cores() const;
  /// kOutOfRange names how many cores the device has.
  Result<std::shared_ptr<umd::Device>> core(uint32_t index) const;

  /// Checks that the engine was built for this device and loads it onto one core. `name` appears in errors.
  Result<std::shared_ptr<const runtime::LoadedEngine>> load(const engine::Engine& engine,
                                                            std::string_view name,
                                                            const EngineOptions& options = {});
  /// Memory of the module for bindings.
  Result<std::shared_ptr<runtime::DeviceMemory>> allocate(uint64_t bytes,
                                                          const umd::BufferOptions& options = {});

  /// Shares the pages behind a descriptor of DeviceMemory::export_fd(). Does not take `fd`.
  Result<std::shared_ptr<runtime::DeviceMemory>> import_fd(int fd, bool read_only);
  /// Closes a descriptor that export_fd() gave out; kInvalidArgument when it is not open.
  Status close_fd(int fd);

  /// Modelled time in which nobody uses the DLA cores, after what is queued: they lose clock and power over
  /// it.
  void idle(std::chrono::nanoseconds duration);

  /// Every bus access and memory access of a core (which exists) from now on goes by `tracer` too; null to stop.
  void set_tracer(uint32_t core, chip::Tracer* tracer);

  /// The simulated kernel: its log, its files, its power modes.
  driver::Kernel& kernel() const;
  /// A context of the first core, for callers that drive loadables themselves; null when there is no core.
  const std::shared_ptr<umd::Context>& context() const;
  /// Modelled times of executed operations, by core and task.
  profile::Recorder& recorder() const;

 private:
  struct State;
  explicit Module(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace medlar::api
