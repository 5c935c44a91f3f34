// SPDX-License-Identifier: Apache-2.0
#include "report/sample_report.hpp"

namespace medlar::report {

ReportData sample_report() {
  ReportData data{.model = "sample.onnx", .device = "orin-nano-8gb", .device_label = "modelled", .device_note = "a note", .precision = "int8"};
  data.figures = {{"Latency", "1.25 ms", Origin::kModelled}, {"MACs on the DLA", "97.2 %", Origin::kCounted},
                  {"Host time", "20 ms", Origin::kMeasured}, {"Arithmetic", "nv_full", Origin::kBitExact}};
  for (int i = 0; i < 60; ++i) {
    const bool host = i % 20 == 19;
    data.layers.push_back({.name = i == 7 ? kHostileName : "layer_" + std::to_string(i), .op_type = host ? "Softmax" : "Conv",
                           .engine = host ? "GPU" : "DLA", .precision = host ? "fp32" : "int8", .reason_code = host ? "MDL2001" : "",
                           .reason = host ? "no unit of the DLA computes it" : "", .macs = host ? 0u : 1'000'000u * unsigned(60 - i),
                           .modelled_ms = 0.01 * (i + 1), .dram_bytes = 4096u * unsigned(i + 1), .sram_bytes = 512,
                           .energy_mj = 0.002 * (i + 1), .utilisation = 0.5, .bound = host ? "" : "MAC"});
    if (i > 0) {
      data.edges.push_back({size_t(i - 1), size_t(i)});
    }
    data.timeline.push_back({host ? "GPU" : "DLA0", data.layers.back().name, 10.0 * i, 9.0});
    data.memory.push_back({10.0 * i, 1u << 20, 65536, 4096u * unsigned(i), 1024});
  }
  data.edges.push_back({0, 30});
  data.roofline = Roofline{.macs_per_second = 5e12, .dram_bytes_per_second = 38e9};
  data.accuracy = {{"top-1", "70.1 %", "70.3 %"}};
  data.advice = {{"Three transitions", "layers 19, 39 and 59 run on the GPU", "replace Softmax", "0.6 ms"}};
  return data;
}

}  // namespace medlar::report
