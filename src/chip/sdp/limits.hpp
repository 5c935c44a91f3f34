// SPDX-License-Identifier: Apache-2.0
// Register combinations that SDP's hardware does not allow (NVDLA programming guide, "Limitation").
#pragma once

#include "chip/sdp/plan.hpp"

namespace medlar::chip {

Status check_sdp_limits(const SdpPlan& plan, const SdpOperation& operation);

}  // namespace medlar::chip
