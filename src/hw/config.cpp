// SPDX-License-Identifier: Apache-2.0
// Lookups in the table of configurations.
#include "hw/config.hpp"

#include <string>

namespace medlar::hw {

std::string_view precision_name(Precision precision) {
  switch (precision) {
    case Precision::kInt8:
      return "int8";
    case Precision::kInt16:
      return "int16";
    case Precision::kFp16:
      return "fp16";
  }
  return "invalid";
}

Result<const HwConfig*> find_config(std::string_view name) {
  std::string known;
  for (const HwConfig& config : configs()) {
    if (config.name == name) {
      return &config;
    }
    known += (known.empty() ? "" : ", ") + std::string(config.name);
  }
  return fail(Code::kNotFound, "hardware configuration \"{}\": unknown; known are {}", name, known);
}

}  // namespace medlar::hw
