// SPDX-License-Identifier: Apache-2.0
// Replays register writes: two groups a block, a snapshot at every enable, enables joined into operations at
// a wait.
#include "timing/program.hpp"

#include <algorithm>

namespace medlar::timing {
namespace {

using hw::Block;

/// SDP's operands when SDP_RDMA was not enabled: none comes from memory.
hw::SdpRdmaGroup no_operands() {
  hw::SdpRdmaGroup rdma;
  rdma.brdma_disable = rdma.nrdma_disable = rdma.erdma_disable = 1;
  return rdma;
}

}  // namespace

std::string_view kind_name(const Snapshot& snapshot) {
  struct Name {
    std::string_view operator()(const ConvSnapshot& s) const { return s.pdp ? "conv+pdp" : "conv"; }
    std::string_view operator()(const SdpSnapshot& s) const { return s.pdp ? "sdp+pdp" : "sdp"; }
    std::string_view operator()(const PdpSnapshot&) const { return "pdp"; }
    std::string_view operator()(const CdpSnapshot&) const { return "cdp"; }
    std::string_view operator()(const RubikSnapshot&) const { return "rubik"; }
    std::string_view operator()(const BdmaSnapshot&) const { return "bdma"; }
  };
  return std::visit(Name{}, snapshot);
}

ProgramReader::ProgramReader(const hw::HwConfig& config) : config_(config) {
  for (const Block block : hw::kBlocks) {
    for (Words& words : files_[static_cast<size_t>(block)]) {
      words.assign(hw::kBlockBytes / 4, 0);
      hw::reset_words(block, config.register_map, words);
    }
  }
}

Status ProgramReader::write(uint32_t address, uint32_t value, uint64_t line) {
  const auto ref = hw::find_register(address, config_.register_map);
  if (!ref) {
    return fail(Code::kCorrupt, "register at {:#x}: {} has none there", address, config_.name);
  }
  const Mark mark{++writes_, line, phase_};
  const auto i = static_cast<size_t>(ref->block);
  const std::string_view name = ref->info->name;
  if (name == "S_POINTER") {
    producer_[i] = value & 1;
    return {};
  }
  Words& words = files_[i][producer_[i]];
  words[ref->info->offset / 4] = value;
  if (ref->block == Block::kBdma) {
    bdma_write(name, words, mark);
  } else if (name == "D_OP_ENABLE" && (value & 1) != 0) {
    enables_[i].push_back({words, mark});
  }
  return {};
}

void ProgramReader::bdma_write(std::string_view name, const Words& words, const Mark& mark) {
  if (name == "CFG_OP") {
    transfers_.push_back(hw::BdmaGroup::decode(words, config_.register_map));
  } else if (name.starts_with("CFG_LAUNCH") && !transfers_.empty()) {
    add(BdmaSnapshot{std::exchange(transfers_, {})}, mark);
  }
}

void ProgramReader::wait() {
  ++phase_;
}

void ProgramReader::add(Snapshot snapshot, const Mark& mark) {
  ops_.push_back({std::move(snapshot), mark.phase, mark.at, mark.line});
}

Result<ProgramReader::Enable> ProgramReader::take(Block block, std::string_view wanted_by) {
  std::vector<Enable>& waiting = enables(block);
  if (waiting.empty()) {
    return fail(Code::kCorrupt, "{} is enabled without {}", wanted_by, hw::block_name(block));
  }
  Enable enable = std::move(waiting.front());
  waiting.erase(waiting.begin());
  return enable;
}

hw::SdpRdmaGroup ProgramReader::sdp_rdma(const hw::SdpGroup& sdp) {
  std::vector<Enable>& waiting = enables(Block::kSdpRdma);
  if (waiting.empty()) {
    return no_operands();
  }
  const auto rdma = hw::SdpRdmaGroup::decode(waiting.front().words, config_.register_map);
  if ((sdp.flying_mode != 0) != (rdma.flying_mode != 0)) {
    return no_operands();  // an operation without operands leaves the reader, and its enable, to the next one
  }
  waiting.erase(waiting.begin());
  return rdma;
}

Result<std::optional<hw::PdpGroup>> ProgramReader::take_pooling(const hw::SdpGroup& sdp, Mark& mark) {
  if (sdp.output_dst == hw::value::kOutputDestinationMem) {
    return std::optional<hw::PdpGroup>();
  }
  MEDLAR_ASSIGN(const Enable pdp, take(Block::kPdp, "SDP to PDP"));
  mark.take_later(pdp.mark);
  return std::optional(hw::PdpGroup::decode(pdp.words, config_.register_map));
}

Status ProgramReader::take_flying_sdp(ConvSnapshot& op, Mark& mark) {
  std::vector<Enable>& waiting = enables(Block::kSdp);
  const auto flying = std::find_if(waiting.begin(), waiting.end(), [&](const Enable& e) {
    return hw::SdpGroup::decode(e.words, config_.register_map).flying_mode != 0;
  });
  if (flying == waiting.end()) {
    return fail(Code::kCorrupt, "line {}: CDMA is enabled without SDP behind it", mark.line);
  }
  op.sdp = hw::SdpGroup::decode(flying->words, config_.register_map);
  mark.take_later(flying->mark);
  waiting.erase(flying);
  op.sdp_rdma = sdp_rdma(op.sdp);
  MEDLAR_ASSIGN(op.pdp, take_pooling(op.sdp, mark));
  return {};
}

Status ProgramReader::take_convolutions() {
  while (!enables(Block::kCdma).empty()) {
    MEDLAR_ASSIGN(const Enable cdma, take(Block::kCdma, "CDMA"));
    MEDLAR_ASSIGN(const Enable csc, take(Block::kCsc, "CDMA"));
    MEDLAR_ASSIGN(const Enable cacc, take(Block::kCacc, "CDMA"));
    ConvSnapshot op;
    op.cdma = hw::CdmaGroup::decode(cdma.words, config_.register_map);
    op.csc = hw::CscGroup::decode(csc.words, config_.register_map);
    op.cacc = hw::CaccGroup::decode(cacc.words, config_.register_map);
    Mark mark = cdma.mark;
    mark.take_later(csc.mark);
    mark.take_later(cacc.mark);
    MEDLAR_TRY(take_flying_sdp(op, mark));
    add(std::move(op), mark);
  }
  for (const Block block : {Block::kCsc, Block::kCacc}) {
    if (!enables(block).empty()) {
      return fail(Code::kCorrupt, "line {}: {} is enabled without CDMA", enables(block).front().mark.line,
                  hw::block_name(block));
    }
  }
  return {};
}

Status ProgramReader::take_sdp() {
  while (!enables(Block::kSdp).empty()) {
    MEDLAR_ASSIGN(const Enable sdp, take(Block::kSdp, "SDP"));
    Mark mark = sdp.mark;
    SdpSnapshot op{.rdma = {}, .sdp = hw::SdpGroup::decode(sdp.words, config_.register_map), .pdp = {}};
    op.rdma = sdp_rdma(op.sdp);
    MEDLAR_ASSIGN(op.pdp, take_pooling(op.sdp, mark));
    add(std::move(op), mark);
  }
  return {};
}

Status ProgramReader::take_pdp_cdp_rubik() {
  const auto map = config_.register_map;
  while (!enables(Block::kPdp).empty()) {
    MEDLAR_ASSIGN(const Enable pdp, take(Block::kPdp, "PDP"));
    MEDLAR_ASSIGN(const Enable rdma, take(Block::kPdpRdma, "PDP"));
    Mark mark = pdp.mark;
    mark.take_later(rdma.mark);
    add(PdpSnapshot{hw::PdpRdmaGroup::decode(rdma.words, map), hw::PdpGroup::decode(pdp.words, map)}, mark);
  }
  while (!enables(Block::kCdp).empty()) {
    MEDLAR_ASSIGN(const Enable cdp, take(Block::kCdp, "CDP"));
    MEDLAR_ASSIGN(const Enable rdma, take(Block::kCdpRdma, "CDP"));
    Mark mark = cdp.mark;
    mark.take_later(rdma.mark);
    add(CdpSnapshot{hw::CdpRdmaGroup::decode(rdma.words, map), hw::CdpGroup::decode(cdp.words, map)}, mark);
  }
  while (!enables(Block::kRubik).empty()) {
    MEDLAR_ASSIGN(const Enable rubik, take(Block::kRubik, "RUBIK"));
    add(RubikSnapshot{hw::RubikGroup::decode(rubik.words, map)}, rubik.mark);
  }
  return {};
}

Result<std::vector<ProgramOp>> ProgramReader::finish() {
  MEDLAR_TRY(take_convolutions());
  MEDLAR_TRY(take_sdp());
  MEDLAR_TRY(take_pdp_cdp_rubik());
  std::stable_sort(ops_.begin(), ops_.end(),
                   [](const ProgramOp& a, const ProgramOp& b) { return a.enabled_at < b.enabled_at; });
  return std::move(ops_);
}

}  // namespace medlar::timing
