// SPDX-License-Identifier: Apache-2.0
#include "api/module.hpp"

namespace medlar::api {

Result<Module> boot(const hw::DeviceProfile& device, driver::CompletedOpObserver observer) {
  driver::KernelOptions options;
  options.soc = soc::SocConfig::of(device);
  options.observer = std::move(observer);
  Module module;
  MEDLAR_ASSIGN(module.kernel, driver::Kernel::create(std::move(options)));
  const std::vector<std::string> nodes = umd::enumerate(*module.kernel->seam());
  if (nodes.empty()) {
    return fail(Code::kNotFound, "{}: no DLA device node", device.name);
  }
  MEDLAR_ASSIGN(auto opened, umd::Device::open(*module.kernel->seam(), nodes.front()));
  MEDLAR_ASSIGN(module.context, umd::Context::create(std::move(opened)));
  return module;
}

}  // namespace medlar::api
