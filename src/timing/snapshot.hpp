// SPDX-License-Identifier: Apache-2.0
// From the registers of an enabled operation to its work and time.
#pragma once

#include "hw/gen/registers.hpp"
#include "timing/work.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace medlar::timing {

/// Convolution, SDP behind it, and pooling behind SDP where SDP's output goes there.
struct ConvSnapshot {
  hw::CdmaGroup cdma;
  hw::CscGroup csc;
  hw::CaccGroup cacc;
  hw::SdpRdmaGroup sdp_rdma;
  hw::SdpGroup sdp;
  std::optional<hw::PdpGroup> pdp;
};

/// SDP from memory, and pooling behind it.
struct SdpSnapshot {
  hw::SdpRdmaGroup rdma;
  hw::SdpGroup sdp;
  std::optional<hw::PdpGroup> pdp;
};

struct PdpSnapshot {
  hw::PdpRdmaGroup rdma;
  hw::PdpGroup pdp;
};

struct CdpSnapshot {
  hw::CdpRdmaGroup rdma;
  hw::CdpGroup cdp;
};

struct RubikSnapshot {
  hw::RubikGroup rubik;
};

/// All transfers of one launch.
struct BdmaSnapshot {
  std::vector<hw::BdmaGroup> transfers;
};

using Snapshot =
    std::variant<ConvSnapshot, SdpSnapshot, PdpSnapshot, CdpSnapshot, RubikSnapshot, BdmaSnapshot>;

ConvWork work_of(const ConvSnapshot& snapshot, const hw::HwConfig& config);
SdpWork work_of(const SdpSnapshot& snapshot, const hw::HwConfig& config);
PdpWork work_of(const PdpSnapshot& snapshot, const hw::HwConfig& config);
CdpWork work_of(const CdpSnapshot& snapshot, const hw::HwConfig& config);
CopyWork work_of(const RubikSnapshot& snapshot, const hw::HwConfig& config);
CopyWork work_of(const BdmaSnapshot& snapshot, const hw::HwConfig& config);

/// Time of the operation when it runs alone.
OpTime time_of(const Snapshot& snapshot, const hw::HwConfig& config, const Machine& machine);

}  // namespace medlar::timing
