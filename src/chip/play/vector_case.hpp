// SPDX-License-Identifier: Apache-2.0
// One vector case, parsed and checked.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "chip/memory/memory_port.hpp"
#include "chip/play/file_set.hpp"

namespace medlar::chip {

/// Expected bytes, with the layout of the cube they hold.
struct VectorRegion {
  enum class Layout : uint8_t { kRaw, kFeature, kPlanar };

  Ram ram = Ram::kDram;
  uint64_t address = 0;
  const ByteBuffer* bytes = nullptr;
  std::string file;
  Layout layout = Layout::kRaw;
  uint64_t w = 0;
  uint64_t h = 0;
  uint64_t c = 0;
  uint64_t batches = 1;
  uint64_t element_bytes = 1;
  uint64_t atom_bytes = 1;
  uint64_t line_stride = 0;
  uint64_t surface_stride = 0;  ///< Planar: of a plane.
  uint64_t batch_stride = 0;
  bool fp16 = false;

  /// (offset, length) of the runs of bytes that belong to elements.
  std::vector<std::pair<uint64_t, uint64_t>> runs() const;
};

struct VectorCase {
  struct Register {
    std::string name;
    uint32_t address = 0;
    uint32_t value = 0;
  };
  struct Block {
    Ram ram = Ram::kDram;
    uint64_t address = 0;
    const ByteBuffer* bytes = nullptr;
  };

  std::string name;
  std::string config;
  uint8_t fill = 0;
  std::vector<Block> memory;
  std::vector<Register> writes;
  std::vector<std::string> done;  ///< Interrupts that must rise, e.g. "SDP_0".
  std::vector<VectorRegion> expect;
  std::vector<Register> expect_registers;
};

/// Parses `files[json_path]`; the case refers to `files`, which must outlive it.
Result<VectorCase> parse_vector_case(const FileSet& files, const std::string& json_path);

}  // namespace medlar::chip
