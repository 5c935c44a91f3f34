// SPDX-License-Identifier: Apache-2.0
// CDMA's feature reader: surfaces of atoms in memory to channel-last lines.
#include "chip/conv/input/cube.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "chip/conv/input/convert.hpp"

namespace medlar::chip {
namespace {

/// One line of one surface, in place where the port allows it.
Result<ByteView> read_line(const ConvSource& source, uint64_t address, uint64_t size, MemoryPort& memory,
                           ByteBuffer& scratch) {
  const std::span<uint8_t> direct = memory.view(source.ram, address, size, Access::kRead);
  if (direct.size() == size) {
    return ByteView(direct);
  }
  scratch.resize(size);
  MEDLAR_TRY(memory.read(source.ram, address, scratch));
  return ByteView(scratch);
}

struct AtomCopy {
  uint64_t atom_bytes = 0;    ///< Step in memory.
  uint64_t column_bytes = 0;  ///< Step in the cube.
  uint64_t bytes = 0;         ///< Used part of an atom.
  uint32_t columns = 0;
};

void copy_atoms(const uint8_t* from, uint8_t* to, const AtomCopy& copy) {
  if (copy.bytes == 32) {
    for (uint32_t x = 0; x < copy.columns; ++x) {
      std::memcpy(to + x * copy.column_bytes, from + x * copy.atom_bytes, 32);
    }
    return;
  }
  for (uint32_t x = 0; x < copy.columns; ++x) {
    std::memcpy(to + x * copy.column_bytes, from + x * copy.atom_bytes, copy.bytes);
  }
}

void convert_line(const ConvJob& job, uint8_t* line, const ConvCube& cube) {
  for (uint32_t x = 0; x < cube.w; ++x) {
    uint8_t* column = line + uint64_t{x} * cube.pitch * cube.element_bytes;
    for (uint32_t c = 0; c < cube.c; ++c) {
      if (cube.element_bytes == 1) {
        const auto value = static_cast<int8_t>(column[c]);
        column[c] = static_cast<uint8_t>(convert_element(value, job.converter.offset, job.converter, job.precision));
      } else {
        const auto value = load_le<int16_t>(column + 2 * c);
        store_le(column + 2 * c, convert_element(value, job.converter.offset, job.converter, job.precision));
      }
    }
  }
}

void flush_nan_line(uint8_t* line, const ConvCube& cube) {
  for (uint64_t i = 0; i < uint64_t{cube.w} * cube.pitch; ++i) {
    if ((load_le<uint16_t>(line + 2 * i) & 0x7fff) > 0x7c00) {
      store_le<uint16_t>(line + 2 * i, 0);
    }
  }
}

Status fetch_line(const ConvJob& job, uint64_t address, MemoryPort& memory, ConvCube& cube, uint8_t* line) {
  const uint32_t lanes = job.machine.memory_atom / cube.element_bytes;
  ByteBuffer scratch;
  for (uint32_t c = 0, surface = 0; c < cube.c; c += lanes, ++surface) {
    const uint64_t at = address + uint64_t{surface} * job.data.surf_stride;
    const uint64_t size = uint64_t{cube.w} * job.machine.memory_atom;
    MEDLAR_ASSIGN(const ByteView atoms, read_line(job.data, at, size, memory, scratch));
    copy_atoms(atoms.data(), line + uint64_t{c} * cube.element_bytes,
               {.atom_bytes = job.machine.memory_atom,
                .column_bytes = uint64_t{cube.pitch} * cube.element_bytes,
                .bytes = uint64_t{std::min(lanes, cube.c - c)} * cube.element_bytes,
                .columns = cube.w});
  }
  return {};
}

}  // namespace

Result<ConvCube> fetch_features(const ConvJob& job, ConvLines lines, MemoryPort& memory) {
  ConvCube cube{.batches = job.batches,
                .h = lines.count,
                .w = job.in_w,
                .c = job.in_c,
                .pitch = round_up(job.in_c, 4u),
                .element_bytes = job.element_bytes(),
                .bytes = {}};
  cube.bytes.resize(cube.batch_bytes() * cube.batches);
  for (uint32_t batch = 0; batch < cube.batches; ++batch) {
    for (uint32_t y = 0; y < cube.h; ++y) {
      const uint64_t address = job.data.address + uint64_t{batch} * job.data.batch_stride +
                               (uint64_t{lines.first} + y) * job.data.line_stride;
      uint8_t* line = cube.line(batch, y);
      MEDLAR_TRY(fetch_line(job, address, memory, cube, line));
      if (job.nan_to_zero && job.in_precision == hw::Precision::kFp16) {
        flush_nan_line(line, cube);
      }
      if (job.converter.enable) {
        convert_line(job, line, cube);
      }
    }
  }
  return cube;
}

}  // namespace medlar::chip
