// SPDX-License-Identifier: Apache-2.0
// Finds the operation that runs next, runs its units, reports their counters and interrupts.
#include <algorithm>

#include "chip/cdp/cdp.hpp"
#include "chip/pdp/pdp.hpp"
#include "chip/rubik/rubik.hpp"
#include "chip/sdp/sdp.hpp"
#include "chip/state.hpp"

namespace medlar::chip {
namespace {

using hw::Block;

constexpr std::array kConvBlocks = {Block::kCdma, Block::kCsc, Block::kCmacA, Block::kCmacB, Block::kCacc};

uint32_t low_word(uint64_t counter) { return static_cast<uint32_t>(counter); }

void report_lut(RegisterBlock& block, const num::LutCounters& counters) {
  block.report("D_PERF_LUT_UFLOW", low_word(counters.underflow));
  block.report("D_PERF_LUT_OFLOW", low_word(counters.overflow));
  block.report("D_PERF_LUT_HYBRID", low_word(counters.hybrid));
  block.report("D_PERF_LUT_LE_HIT", low_word(counters.le_hit));
  block.report("D_PERF_LUT_LO_HIT", low_word(counters.lo_hit));
}

void report_sdp(const hw::SdpGroup& registers, const SdpCounters& counters, RegisterBlock& sdp) {
  const bool alu = registers.ew_bypass == 0 && registers.ew_alu_bypass == 0;
  if (alu && registers.ew_alu_algo == hw::value::kEwAluEql) {
    sdp.report("D_STATUS", counters.unequal ? 1 : 0);
  }
  if (registers.perf_lut_en != 0 && registers.ew_bypass == 0 && registers.ew_lut_bypass == 0) {
    report_lut(sdp, counters.lut);
  }
  if (registers.perf_sat_en != 0) {
    sdp.report("D_PERF_OUT_SATURATION", low_word(counters.out_saturation));
  }
  if (registers.perf_nan_inf_count_en != 0 && registers.out_precision == hw::value::kPrecisionFp16) {
    sdp.report("D_STATUS_NAN_OUTPUT_NUM", low_word(counters.nan_outputs));
  }
}

void report_sdp_rdma(const hw::SdpRdmaGroup& registers, const SdpCounters& counters, RegisterBlock& rdma) {
  if (registers.perf_nan_inf_count_en != 0 && registers.in_precision == hw::value::kPrecisionFp16) {
    rdma.report("D_STATUS_NAN_INPUT_NUM", low_word(counters.nan_inputs));
    rdma.report("D_STATUS_INF_INPUT_NUM", low_word(counters.inf_inputs));
  }
}

void report_pdp(const PdpCounters& counters, RegisterBlock& pdp) {
  pdp.report("D_NAN_INPUT_NUM", low_word(counters.nan_inputs));
  pdp.report("D_INF_INPUT_NUM", low_word(counters.inf_inputs));
  pdp.report("D_NAN_OUTPUT_NUM", low_word(counters.nan_outputs));
}

}  // namespace

std::optional<ReadyOperation> Chip::State::ready_sdp() const {
  const RegisterBlock& sdp = at(Block::kSdp);
  if (!sdp.ready()) {
    return std::nullopt;
  }
  const auto registers = hw::SdpGroup::decode(sdp.words(), config.register_map);
  ReadyOperation found{.kind = ReadyOperation::Kind::kSdp, .since = sdp.enabled_at()};
  const auto require = [&](Block block) {
    found.since = std::max(found.since, at(block).enabled_at());
    return at(block).ready();
  };
  found.conv = registers.flying_mode != 0;
  if (found.conv && !std::all_of(kConvBlocks.begin(), kConvBlocks.end(), require)) {
    return std::nullopt;
  }
  found.rdma = sdp_needs_rdma(registers);
  if (found.rdma && !require(Block::kSdpRdma)) {
    return std::nullopt;
  }
  found.to_pdp = registers.output_dst != 0;
  if (found.to_pdp) {
    if (!require(Block::kPdp) || !pdp_flying(hw::PdpGroup::decode(at(Block::kPdp).words(), config.register_map))) {
      return std::nullopt;
    }
  }
  return found;
}

std::optional<ReadyOperation> Chip::State::ready_pdp() const {
  const RegisterBlock& pdp = at(Block::kPdp);
  const RegisterBlock& rdma = at(Block::kPdpRdma);
  if (!pdp.ready() || !rdma.ready() || pdp_flying(hw::PdpGroup::decode(pdp.words(), config.register_map))) {
    return std::nullopt;
  }
  return ReadyOperation{.kind = ReadyOperation::Kind::kPdp, .since = std::max(pdp.enabled_at(), rdma.enabled_at())};
}

std::optional<ReadyOperation> Chip::State::find_ready() const {
  std::optional<ReadyOperation> oldest;
  const auto consider = [&](const std::optional<ReadyOperation>& candidate) {
    if (candidate && (!oldest || candidate->since < oldest->since)) {
      oldest = candidate;
    }
  };
  consider(ready_sdp());
  consider(ready_pdp());
  const RegisterBlock& cdp = at(Block::kCdp);
  const RegisterBlock& cdp_rdma = at(Block::kCdpRdma);
  if (cdp.ready() && cdp_rdma.ready()) {
    consider(ReadyOperation{.kind = ReadyOperation::Kind::kCdp, .since = std::max(cdp.enabled_at(), cdp_rdma.enabled_at())});
  }
  if (const RegisterBlock& rubik = at(Block::kRubik); rubik.ready()) {
    consider(ReadyOperation{.kind = ReadyOperation::Kind::kRubik, .since = rubik.enabled_at()});
  }
  if (const BdmaQueue::Launch* launch = bdma.front(); launch != nullptr) {
    consider(ReadyOperation{.kind = ReadyOperation::Kind::kBdma, .since = launch->sequence});
  }
  return oldest;
}

void Chip::State::take_part(Block block) {
  const RegisterBlock& registers = at(block);
  current.units.push_back({block, registers.consumer(), registers.words()});
}

void Chip::State::finish() {
  for (const ExecutedOp::Unit& unit : current.units) {
    if (unit.block != Block::kBdma) {
      at(unit.block).retire();
    }
  }
  if (observer) {
    observer(current);
  }
}

Status Chip::State::execute(const ReadyOperation& operation) {
  switch (operation.kind) {
    case ReadyOperation::Kind::kSdp: return execute_sdp(operation);
    case ReadyOperation::Kind::kPdp: return execute_pdp();
    case ReadyOperation::Kind::kCdp: return execute_cdp();
    case ReadyOperation::Kind::kRubik: return execute_rubik();
    case ReadyOperation::Kind::kBdma: return execute_bdma();
  }
  return fail(Code::kInternal, "chip: operation kind {}", static_cast<int>(operation.kind));
}

Result<AccFeed> Chip::State::start_conv() {
  for (const Block block : kConvBlocks) {
    take_part(block);
  }
  const hw::RegisterMap map = config.register_map;
  ConvRegisters registers;
  registers.cdma = hw::CdmaGroup::decode(at(Block::kCdma).words(), map);
  registers.csc = hw::CscGroup::decode(at(Block::kCsc).words(), map);
  registers.cmac = hw::CmacAGroup::decode(at(Block::kCmacA).words(), map);
  registers.cacc = hw::CaccGroup::decode(at(Block::kCacc).words(), map);
  const auto half_b = hw::CmacBGroup::decode(at(Block::kCmacB).words(), map);
  if (half_b.conv_mode != registers.cmac.conv_mode || half_b.proc_precision != registers.cmac.proc_precision) {
    return fail(Code::kFault, "CMAC_B.D_MISC_CFG: mode {} and precision {} but CMAC_A has {} and {}", half_b.conv_mode,
                half_b.proc_precision, registers.cmac.conv_mode, registers.cmac.proc_precision);
  }
  return conv.start(registers, *port);
}

void Chip::State::finish_conv() {
  conv.finish();
  interrupts.raise(Interrupt::kCdmaData, at(Block::kCdma).consumer());
  interrupts.raise(Interrupt::kCdmaWeight, at(Block::kCdma).consumer());
  interrupts.raise(Interrupt::kCacc, at(Block::kCacc).consumer());
}

Status Chip::State::execute_sdp(const ReadyOperation& operation) {
  const hw::RegisterMap map = config.register_map;
  AccFeed feed;
  if (operation.conv) {
    MEDLAR_ASSIGN(feed, start_conv());
  }
  RegisterBlock& rdma = at(Block::kSdpRdma);
  RegisterBlock& sdp = at(Block::kSdp);
  SdpOperation sdp_operation;
  sdp_operation.sdp = hw::SdpGroup::decode(sdp.words(), map);
  if (operation.rdma) {
    take_part(Block::kSdpRdma);
    sdp_operation.rdma = hw::SdpRdmaGroup::decode(rdma.words(), map);
  } else if (rdma.ready() && sdp_rdma_idle(hw::SdpRdmaGroup::decode(rdma.words(), map))) {
    take_part(Block::kSdpRdma);  // Enabled with nothing to read: it is done at once.
  }
  take_part(Block::kSdp);
  sdp_operation.lut = lut_settings(hw::SdpLut::decode(sdp.shared_words(), map));
  sdp_operation.tables = &sdp_lut.tables();
  sdp_operation.target = &(*target)->sdp;
  sdp_operation.conv = operation.conv ? &feed : nullptr;
  PackedCube pooled;
  MEDLAR_ASSIGN(const SdpCounters counters, run_sdp(config, sdp_operation, *port, &pooled));
  if (operation.conv) {
    finish_conv();
  }
  report_sdp(sdp_operation.sdp, counters, sdp);
  if (sdp_operation.rdma) {
    report_sdp_rdma(*sdp_operation.rdma, counters, rdma);
  }
  interrupts.raise(Interrupt::kSdp, sdp.consumer());
  if (!operation.to_pdp) {
    return {};
  }
  take_part(Block::kPdp);
  RegisterBlock& pdp = at(Block::kPdp);
  PdpOperation pdp_operation;
  pdp_operation.pdp = hw::PdpGroup::decode(pdp.words(), map);
  pdp_operation.from_sdp = &pooled;
  MEDLAR_ASSIGN(const PdpCounters pdp_counters, run_pdp(config, pdp_operation, *port));
  report_pdp(pdp_counters, pdp);
  interrupts.raise(Interrupt::kPdp, pdp.consumer());
  return {};
}

Status Chip::State::execute_pdp() {
  take_part(Block::kPdpRdma);
  take_part(Block::kPdp);
  RegisterBlock& pdp = at(Block::kPdp);
  PdpOperation operation;
  operation.pdp = hw::PdpGroup::decode(pdp.words(), config.register_map);
  operation.rdma = hw::PdpRdmaGroup::decode(at(Block::kPdpRdma).words(), config.register_map);
  MEDLAR_ASSIGN(const PdpCounters counters, run_pdp(config, operation, *port));
  report_pdp(counters, pdp);
  interrupts.raise(Interrupt::kPdp, pdp.consumer());
  return {};
}

Status Chip::State::execute_cdp() {
  take_part(Block::kCdpRdma);
  take_part(Block::kCdp);
  RegisterBlock& cdp = at(Block::kCdp);
  const hw::RegisterMap map = config.register_map;
  CdpOperation operation;
  operation.cdp = hw::CdpGroup::decode(cdp.words(), map);
  operation.rdma = hw::CdpRdmaGroup::decode(at(Block::kCdpRdma).words(), map);
  operation.lut = lut_settings(hw::CdpLut::decode(cdp.shared_words(), map), operation.cdp.input_data_type);
  operation.tables = &cdp_lut.tables();
  MEDLAR_ASSIGN(const CdpCounters counters, run_cdp(config, operation, *port));
  cdp.report("D_NAN_INPUT_NUM", low_word(counters.nan_inputs));
  cdp.report("D_INF_INPUT_NUM", low_word(counters.inf_inputs));
  cdp.report("D_NAN_OUTPUT_NUM", low_word(counters.nan_outputs));
  cdp.report("D_OUT_SATURATION", low_word(counters.out_saturation));
  report_lut(cdp, counters.lut);
  interrupts.raise(Interrupt::kCdp, cdp.consumer());
  return {};
}

Status Chip::State::execute_rubik() {
  take_part(Block::kRubik);
  const RegisterBlock& rubik = at(Block::kRubik);
  MEDLAR_TRY(run_rubik(config, hw::RubikGroup::decode(rubik.words(), config.register_map), *port));
  interrupts.raise(Interrupt::kRubik, rubik.consumer());
  return {};
}

Status Chip::State::execute_bdma() {
  const BdmaQueue::Launch launch = *bdma.front();
  for (const std::vector<uint32_t>& words : launch.descriptors) {
    current.units.push_back({Block::kBdma, launch.group, words});
    MEDLAR_TRY(run_bdma_copy(hw::BdmaGroup::decode(words, config.register_map), *port));
  }
  bdma.pop();
  interrupts.raise(Interrupt::kBdma, launch.group);
  return {};
}

}  // namespace medlar::chip
