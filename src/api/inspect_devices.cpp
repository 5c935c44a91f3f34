// SPDX-License-Identifier: Apache-2.0
// `medlar devices`.
#include <nlohmann/json.hpp>

#include "api/inspect.hpp"
#include "profile/core_area.hpp"

namespace medlar::api {
namespace {

std::string precisions(const hw::HwConfig& config) {
  std::string text;
  for (const hw::Precision precision : {hw::Precision::kInt8, hw::Precision::kInt16, hw::Precision::kFp16}) {
    if (config.supports(precision)) {
      text += (text.empty() ? "" : " ") + std::string(hw::precision_name(precision));
    }
  }
  return text;
}

}  // namespace

std::string devices_to_text() {
  std::string text = fmt::format("{:<28} {:<10} {:>5} {:>6} {:>9} {:>9} {:>9}  {}\n", "device", "label", "cores", "MACs",
                                 "clock MHz", "DRAM GB/s", "DRAM GiB", "precisions");
  for (const hw::DeviceProfile& device : hw::devices()) {
    const bool is_default = &device == &hw::default_device();
    text += fmt::format("{:<28} {:<10} {:>5} {:>6} {:>9.1f} {:>9.1f} {:>9.1f}  {}\n",
                        fmt::format("{}{}", device.name, is_default ? " (default)" : ""), hw::label_name(device.label),
                        device.dla_cores, device.macs_int8, static_cast<double>(device.mode().dla_hz) / 1e6,
                        static_cast<double>(device.mode().dram_bytes_per_second) / 1e9,
                        static_cast<double>(device.dram_bytes) / (1 << 30), precisions(*device.config));
  }
  text += "bit-exact: open NVDLA, checked against NVIDIA's vectors. modelled: closed silicon; arithmetic of nv_full, time from "
          "published tables.\n";
  return text;
}

std::string devices_to_json() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const hw::DeviceProfile& device : hw::devices()) {
    const std::optional<double> area = profile::published_area(device);
    list.push_back({{"name", device.name},
                    {"label", hw::label_name(device.label)},
                    {"default", &device == &hw::default_device()},
                    {"config", device.config->name},
                    {"dla_cores", device.dla_cores},
                    {"macs_int8", device.macs_int8},
                    {"dla_hz", device.mode().dla_hz},
                    {"dram_bytes_per_second", device.mode().dram_bytes_per_second},
                    {"dram_bytes", device.dram_bytes},
                    {"sram_bytes", device.sram_bytes},
                    {"core_mm2_16nm", area ? nlohmann::ordered_json(*area) : nlohmann::ordered_json()},
                    {"note", device.note}});
  }
  return list.dump(2) + "\n";
}

}  // namespace medlar::api
