// SPDX-License-Identifier: Apache-2.0
// A simulated module, booted and opened: kernel driver, device node, one context. Private to this folder.
#pragma once

#include <memory>

#include "driver/sim/kernel.hpp"
#include "hw/device.hpp"
#include "umd/context.hpp"

namespace medlar::api {

/// Members are destroyed from the last to the first: the context before the kernel that serves it.
struct Module {
  std::unique_ptr<driver::Kernel> kernel;
  std::shared_ptr<umd::Context> context;
};

/// Boots `device`; `observer` (may be empty) is called on the core's thread after every operation.
Result<Module> boot(const hw::DeviceProfile& device, driver::CompletedOpObserver observer);

}  // namespace medlar::api
