// SPDX-License-Identifier: Apache-2.0
// The report: one HTML page about a model on a device that opens offline. Plain data in, text out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medlar::report {

/// Where a figure comes from; printed beside every one.
enum class Origin : uint8_t {
  kBitExact,  ///< Computed by the bit-exact chip model.
  kModelled,  ///< Computed by the timing, power or memory model of the device.
  kMeasured,  ///< Taken on this computer (host time, accuracy over images).
  kCounted,   ///< A property of the model or the engine: MACs, bytes, layers.
};
std::string_view origin_name(Origin origin);

/// A headline figure.
struct Figure {
  std::string label = {};
  std::string value = {};  ///< With its unit, as people read it.
  Origin origin = Origin::kCounted;
};

/// One node of the user's model.
struct Layer {
  std::string name = {};
  std::string op_type = {};
  std::string engine = {};     ///< "DLA", "GPU", "CPU", "folded".
  std::string precision = {};  ///< "int8", "fp16", "fp32" or empty.
  std::string reason_code = {};
  std::string reason = {};  ///< Why it is not on the DLA; empty there.
  uint64_t macs = 0;
  double modelled_ms = 0;
  uint64_t dram_bytes = 0;
  uint64_t sram_bytes = 0;
  double energy_mj = 0;
  double utilisation = 0;  ///< Of the MAC array, 0 to 1.
  std::string bound = {};  ///< "MAC", "DRAM", ...; empty when it has no operation of its own.
};

/// Data flows from layers[from] to layers[to].
struct Edge {
  size_t from = 0;
  size_t to = 0;
};

/// A bar of the timeline; modelled time.
struct Span {
  std::string track = {};
  std::string name = {};
  double start_us = 0;
  double duration_us = 0;
};

/// Limits of the engine that the roofline is drawn for.
struct Roofline {
  double macs_per_second = 0;
  double dram_bytes_per_second = 0;
};

/// Device memory at one moment of an inference, bytes by class.
struct MemorySample {
  double at_us = 0;
  uint64_t weights = 0, inputs = 0, intermediates = 0, outputs = 0;
};

/// A finding of the advisor.
struct Advice {
  std::string finding = {}, evidence = {}, cure = {}, gain = {};
};

/// Accuracy as it was measured, against the FP32 reference on the same images.
struct AccuracyRow {
  std::string measure = {};  ///< "top-1", "mean IoU".
  std::string value = {};
  std::string reference = {};
};

struct ReportData {
  std::string model = {};
  std::string device = {};
  std::string device_label = {};  ///< "bit-exact" or "modelled".
  std::string device_note = {};
  std::string precision = {};
  std::vector<Figure> figures = {};
  std::vector<Layer> layers = {};
  std::vector<Edge> edges = {};
  std::vector<Span> timeline = {};
  std::optional<Roofline> roofline = {};
  std::vector<MemorySample> memory = {};
  std::vector<AccuracyRow> accuracy = {};
  std::vector<Advice> advice = {};
};

/// The whole page. Every text of `data` may be hostile: none of it becomes markup.
std::string render_html(const ReportData& data);

}  // namespace medlar::report
