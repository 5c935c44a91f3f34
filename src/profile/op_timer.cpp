// SPDX-License-Identifier: Apache-2.0
#include "profile/op_timer.hpp"

#include <optional>

namespace medlar::profile {
namespace {

const chip::ExecutedOp::Unit* find(const chip::ExecutedOp& op, hw::Block block) {
  for (const chip::ExecutedOp::Unit& unit : op.units) {
    if (unit.block == block) {
      return &unit;
    }
  }
  return nullptr;
}

/// The decoded group of `block`, or its power-on state when the block took no part.
template <typename Group>
Group decoded(const chip::ExecutedOp& op, hw::Block block, const hw::HwConfig& config) {
  const chip::ExecutedOp::Unit* unit = find(op, block);
  return unit != nullptr ? Group::decode(unit->words, config.register_map) : Group{};
}

std::optional<hw::PdpGroup> pooling(const chip::ExecutedOp& op, const hw::HwConfig& config) {
  if (find(op, hw::Block::kPdp) == nullptr) {
    return std::nullopt;
  }
  return decoded<hw::PdpGroup>(op, hw::Block::kPdp, config);
}

Result<timing::Snapshot> snapshot_of(const chip::ExecutedOp& op, const hw::HwConfig& config) {
  using hw::Block;
  if (find(op, Block::kCdma) != nullptr) {
    return timing::ConvSnapshot{.cdma = decoded<hw::CdmaGroup>(op, Block::kCdma, config),
                                .csc = decoded<hw::CscGroup>(op, Block::kCsc, config),
                                .cacc = decoded<hw::CaccGroup>(op, Block::kCacc, config),
                                .sdp_rdma = decoded<hw::SdpRdmaGroup>(op, Block::kSdpRdma, config),
                                .sdp = decoded<hw::SdpGroup>(op, Block::kSdp, config),
                                .pdp = pooling(op, config)};
  }
  if (find(op, Block::kSdp) != nullptr) {
    return timing::SdpSnapshot{.rdma = decoded<hw::SdpRdmaGroup>(op, Block::kSdpRdma, config),
                               .sdp = decoded<hw::SdpGroup>(op, Block::kSdp, config),
                               .pdp = pooling(op, config)};
  }
  if (find(op, Block::kPdp) != nullptr) {
    return timing::PdpSnapshot{.rdma = decoded<hw::PdpRdmaGroup>(op, Block::kPdpRdma, config),
                               .pdp = decoded<hw::PdpGroup>(op, Block::kPdp, config)};
  }
  if (find(op, Block::kCdp) != nullptr) {
    return timing::CdpSnapshot{.rdma = decoded<hw::CdpRdmaGroup>(op, Block::kCdpRdma, config),
                               .cdp = decoded<hw::CdpGroup>(op, Block::kCdp, config)};
  }
  if (find(op, Block::kRubik) != nullptr) {
    return timing::RubikSnapshot{.rubik = decoded<hw::RubikGroup>(op, Block::kRubik, config)};
  }
  if (find(op, Block::kBdma) != nullptr) {
    timing::BdmaSnapshot snapshot;
    for (const chip::ExecutedOp::Unit& unit : op.units) {
      snapshot.transfers.push_back(hw::BdmaGroup::decode(unit.words, config.register_map));
    }
    return snapshot;
  }
  return fail(Code::kUnsupported, "no time formula for an operation of {}",
              op.units.empty() ? "no block" : hw::block_name(op.units.front().block));
}

}  // namespace

Result<timing::OpTime> time_of(const chip::ExecutedOp& op, const hw::HwConfig& config, const timing::Machine& machine) {
  MEDLAR_ASSIGN(const timing::Snapshot snapshot, snapshot_of(op, config));
  return timing::time_of(snapshot, config, machine);
}

}  // namespace medlar::profile
