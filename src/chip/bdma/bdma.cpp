// SPDX-License-Identifier: Apache-2.0
// BDMA.
#include "chip/bdma/bdma.hpp"

#include <algorithm>

#include "chip/memory/dma.hpp"

namespace medlar::chip {

Status run_bdma_copy(const hw::BdmaGroup& d, MemoryPort& memory) {
  constexpr uint64_t kUnit = 32;  // LINE_SIZE counts 32-byte units, minus one.
  const uint64_t size = (uint64_t{d.line_size} + 1) * kUnit;
  const uint64_t lines = uint64_t{d.line_repeat} + 1;
  const uint64_t surfaces = uint64_t{d.surf_repeat} + 1;
  if (lines > kMaxCubeBytes || surfaces > kMaxCubeBytes || lines * surfaces > kMaxCubeBytes / size) {
    return fail(Code::kFault, "BDMA.CFG_LINE_REPEAT: {} surfaces of {} lines of {} bytes exceed {}", surfaces, lines, size,
                kMaxCubeBytes);
  }
  DmaReader reader(memory, ram_of(d.src_ram_type));
  DmaWriter writer(memory, ram_of(d.dst_ram_type));
  for (uint64_t surface = 0; surface < surfaces; ++surface) {
    for (uint64_t line = 0; line < lines; ++line) {
      const uint64_t from = d.src_addr() + surface * d.src_surf_stride + line * d.src_line_stride;
      const uint64_t to = d.dst_addr() + surface * d.dst_surf_stride + line * d.dst_line_stride;
      MEDLAR_ASSIGN(const auto in, reader.fetch(from, size));
      const std::vector<uint8_t> bytes(in.begin(), in.end());  // Source and destination may overlap.
      MEDLAR_ASSIGN(const auto out, writer.open(to, size));
      std::copy(bytes.begin(), bytes.end(), out.begin());
      MEDLAR_TRY(writer.commit());
    }
  }
  return {};
}

size_t BdmaQueue::used_slots() const {
  size_t used = pending_.size();
  for (const Launch& launch : launches_) {
    used += launch.descriptors.size();
  }
  return used;
}

Status BdmaQueue::push(std::vector<uint32_t> words) {
  if (launches_.size() == 2) {
    return fail(Code::kFault, "BDMA.CFG_OP: both groups are busy, no descriptor may follow");
  }
  if (used_slots() >= kSlots) {
    return fail(Code::kFault, "BDMA.CFG_OP: all {} descriptor slots are in use", kSlots);
  }
  pending_.push_back(std::move(words));
  return {};
}

Status BdmaQueue::launch(int group, uint64_t sequence) {
  if (pending_.empty()) {
    return fail(Code::kFault, "BDMA.CFG_LAUNCH{}: no descriptor was entered with CFG_OP", group);
  }
  const bool busy = std::any_of(launches_.begin(), launches_.end(), [&](const Launch& l) { return l.group == group; });
  if (busy) {
    return fail(Code::kFault, "BDMA.CFG_LAUNCH{}: the group is still busy", group);
  }
  launches_.push_back({group, sequence, std::move(pending_)});
  pending_.clear();
  return {};
}

uint32_t BdmaQueue::status() const {
  uint32_t word = static_cast<uint32_t>(kSlots - used_slots());
  word |= launches_.empty() ? 1u << 8 : 0;
  for (const Launch& launch : launches_) {
    word |= 1u << (9 + launch.group);
  }
  return word;
}

}  // namespace medlar::chip
