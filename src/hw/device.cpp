// SPDX-License-Identifier: Apache-2.0
// Lookups in the table of device profiles.
#include "hw/device.hpp"

#include <string>

namespace medlar::hw {
namespace {

constexpr std::string_view kOpenPrefix = "nvdla-";

bool answers_to(const DeviceProfile& device, std::string_view name) {
  return device.name == name ||
         (device.name.starts_with(kOpenPrefix) && device.name.substr(kOpenPrefix.size()) == name);
}

void append_name(std::string& list, std::string_view name) {
  list += (list.empty() ? "" : ", ") + std::string(name);
}

}  // namespace

std::string_view label_name(Label label) {
  return label == Label::kBitExact ? "bit-exact" : "modelled";
}

Result<const PowerMode*> DeviceProfile::find_mode(std::string_view mode_name) const {
  std::string known;
  for (const PowerMode& m : modes) {
    if (m.name == mode_name) {
      return &m;
    }
    append_name(known, m.name);
  }
  return fail(Code::kNotFound, "device {}: power mode \"{}\": unknown; known are {}", name, mode_name, known);
}

Result<const DeviceProfile*> find_device(std::string_view name) {
  std::string known;
  for (const DeviceProfile& device : devices()) {
    if (answers_to(device, name)) {
      return &device;
    }
    append_name(known, device.name);
  }
  return fail(Code::kNotFound, "device \"{}\": unknown; known are {}", name, known);
}

}  // namespace medlar::hw
