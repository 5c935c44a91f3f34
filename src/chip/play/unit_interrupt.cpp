// SPDX-License-Identifier: Apache-2.0
// Interrupts by name.
#include "chip/play/unit_interrupt.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "chip/registers/interrupts.hpp"
#include "hw/gen/registers.hpp"

namespace medlar::chip {

Result<uint32_t> interrupt_bit(const std::string& name) {
  static constexpr std::array<std::pair<std::string_view, Interrupt>, 9> kUnits = {{{"SDP", Interrupt::kSdp},
                                                                                    {"CDP", Interrupt::kCdp},
                                                                                    {"PDP", Interrupt::kPdp},
                                                                                    {"BDMA", Interrupt::kBdma},
                                                                                    {"RUBIK", Interrupt::kRubik},
                                                                                    {"RBK", Interrupt::kRubik},
                                                                                    {"CDMA_DAT", Interrupt::kCdmaData},
                                                                                    {"CDMA_WT", Interrupt::kCdmaWeight},
                                                                                    {"CACC", Interrupt::kCacc}}};
  std::string upper = name;  // Traces spell some of them in small letters.
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const size_t underscore = upper.rfind('_');
  const std::string_view unit = std::string_view(upper).substr(0, underscore);
  const std::string_view group = underscore == std::string::npos ? "" : std::string_view(upper).substr(underscore + 1);
  for (const auto& [known, interrupt] : kUnits) {
    if (known == unit && (group == "0" || group == "1")) {
      return static_cast<uint32_t>(interrupt) + (group == "1" ? 1u : 0u);
    }
  }
  return fail(Code::kCorrupt, "interrupt \"{}\": no such unit or group", name);
}

Result<uint32_t> interrupt_status_address(const hw::HwConfig& config) {
  const auto found = hw::find_register("GLB.S_INTR_STATUS", config.register_map);
  if (!found) {
    return fail(Code::kInternal, "{}: no GLB.S_INTR_STATUS", config.name);
  }
  return found->address;
}

}  // namespace medlar::chip
