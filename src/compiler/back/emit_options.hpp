// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace medlar::compiler {

/// What the device beside the chip allows; the defaults ask for nothing.
struct EmitOptions {
  bool images = false;           ///< Inputs that only convolutions read become images where the array gains by it.
  uint32_t image_alignment = 32; ///< Bytes; line pitch of images.
  std::vector<std::string> cubes = {};  ///< Inputs that stay feature cubes all the same.
  uint64_t sram_bytes = 0;       ///< On-chip memory for intermediate tensors.
};

}  // namespace medlar::compiler
