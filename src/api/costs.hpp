// SPDX-License-Identifier: Apache-2.0
// The device profile's figures as the compiler's partition weighs them.
#pragma once

#include "compiler/partition/costs.hpp"
#include "hw/device.hpp"

namespace medlar::api {

/// Modelled seconds of nodes on each engine of `device`, and of transitions. Nothing where the profile has no data.
compiler::PartitionCosts partition_costs(const hw::DeviceProfile& device, hw::Precision precision, compiler::Placing placing);

/// What runs a layer that is to leave the DLA: the module's GPU, or its CPU where it has none.
compiler::Engine host_engine(const hw::DeviceProfile& device);

}  // namespace medlar::api
