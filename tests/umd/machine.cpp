// SPDX-License-Identifier: Apache-2.0
#include "umd/machine.hpp"

#include "hw/device.hpp"

namespace medlar::test {

Result<std::unique_ptr<Machine>> Machine::create(std::string_view profile) {
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(profile));
  std::unique_ptr<Machine> machine(new Machine());
  driver::KernelOptions options;
  options.soc = soc::SocConfig::of(*device);
  options.log = [self = machine.get()](Severity severity, std::string_view line) {
    if (severity >= Severity::kWarning) {
      const std::lock_guard lock(self->mutex_);
      self->log_ += std::string(line) + "\n";
    }
  };
  MEDLAR_ASSIGN(machine->kernel_, driver::Kernel::create(std::move(options)));
  return machine;
}

std::string Machine::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

}  // namespace medlar::test
