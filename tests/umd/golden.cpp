// SPDX-License-Identifier: Apache-2.0
#include "umd/golden.hpp"

#include "base/checked.hpp"
#include "hw/cube.hpp"

#include <algorithm>

namespace medlar::test {

Result<Golden> read_golden(ByteView bytes, std::string_view name) {
  ByteReader reader(bytes, name);
  MEDLAR_ASSIGN(const ByteView magic, reader.take(4));
  if (!std::ranges::equal(magic, std::string_view("DIMG"))) {
    return fail(Code::kCorrupt, "{}: no DIMG file", name);
  }
  Golden golden;
  MEDLAR_ASSIGN([[maybe_unused]] const uint32_t version, reader.read<uint32_t>());
  for (uint32_t* field : {&golden.format, &golden.width, &golden.height, &golden.channel, &golden.line_stride,
                          &golden.surf_stride}) {
    MEDLAR_ASSIGN(*field, reader.read<uint32_t>());
  }
  MEDLAR_ASSIGN([[maybe_unused]] const uint32_t size, reader.read<uint32_t>());
  MEDLAR_ASSIGN(const ByteView elements, reader.take(reader.remaining()));
  golden.elements.assign(elements.begin(), elements.end());
  return golden;
}

Result<ByteBuffer> walk_like(const Golden& golden, ByteView buffer) {
  const uint32_t bytes = golden.element_bytes();
  const hw::CubeLayout cube{golden.width, golden.height,      golden.channel,    bytes,
                            32,           golden.line_stride, golden.surf_stride};
  if (cube.extent() > buffer.size()) {
    return fail(Code::kOutOfRange, "golden walks {} bytes, the buffer has {}", cube.extent(), buffer.size());
  }
  ByteBuffer out;
  for (uint32_t c = 0; c < golden.channel; ++c) {
    for (uint32_t y = 0; y < golden.height; ++y) {
      for (uint32_t x = 0; x < golden.width; ++x) {
        const ByteView element = buffer.subspan(cube.offset(x, y, c), bytes);
        out.insert(out.end(), element.begin(), element.end());
      }
    }
  }
  return out;
}

}  // namespace medlar::test
