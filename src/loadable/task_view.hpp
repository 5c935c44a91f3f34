// SPDX-License-Identifier: Apache-2.0
// A task's descriptor lists, found the way the firmware finds them: entry 0 of the task's address list is the
// network descriptor, whose indices name the other lists. Blob tags are not asked: old files leave them
// empty.
#pragma once

#include "hw/descriptors.hpp"
#include "loadable/loadable.hpp"

#include <cstdint>
#include <span>

namespace medlar::loadable {

/// One descriptor list: where it lies and what it holds.
struct DescriptorList {
  uint16_t address = 0;  ///< Global address id.
  uint16_t memory = 0;   ///< Memory entry; the blob starts at its first byte.
  size_t blob = 0;       ///< Index into Loadable::blobs.
  ByteView bytes;        ///< Borrowed from the loadable.
};

struct DlaTaskView {
  Version version;  ///< Descriptor version: cubes have 28 bytes up to 0.11, 32 from 0.12 on.
  hw::NetworkDesc network{};
  uint32_t records = 0;  ///< Operations times regions of interest.
  DescriptorList root, dep_graph, op_list, surf_list;
  DescriptorList lut_list;  ///< Empty bytes when network.num_luts is 0.

  hw::CommonOpDesc op(uint32_t record) const;
  hw::OpContainer op_body(uint32_t record) const;
  ByteView surface(uint32_t record) const;  ///< 644 bytes in the layout of `version`.
  hw::LutParam lut(uint32_t index) const;
};

struct EmuTaskView {
  Version version;
  hw::EmuNetworkDesc network{};
  DescriptorList root, op_list, buffer_list;
  bool old_layout =
      false;  ///< 16-byte operations, buffers without an offset (beside DLA descriptors up to 0.11).
};

/// Errors (kCorrupt) name the task, the list, the limit and the value.
Result<DlaTaskView> dla_task(const Loadable& loadable, size_t task);
Result<EmuTaskView> emu_task(const Loadable& loadable, size_t task);

/// The cubes of a surface record in memory order (CONV: weight, wmb, wgs, src, dst; SDP: src, x1, x2, y, dst;
/// others src, dst; BDMA none) as byte offsets inside the record.
std::span<const uint16_t> cube_offsets(uint8_t op_type, bool old_layout);

inline constexpr Version kFirstOffsetCubes{0, 12, 0};  ///< From here on cubes have an offset of their own.
inline constexpr uint32_t kEmuOpBytes = 24, kEmuOldOpBytes = 16, kEmuBuffersBytes = 512;

}  // namespace medlar::loadable
