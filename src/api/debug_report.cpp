// SPDX-License-Identifier: Apache-2.0
// Findings in words and as JSON.
#include <cmath>

#include <nlohmann/json.hpp>

#include "api/debug.hpp"

namespace medlar::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLargestHalf = 65504.0;
/// Part of the values whose saturation explains a divergence.
constexpr double kManySaturated = 0.001;
/// An error that entered explains one that is not larger than this multiple of it.
constexpr double kPassedOn = 1.5;

std::string finding_line(const LayerFinding& finding) {
  return fmt::format("  {:<10.3e} {:<10.3e} {:>9} {:<5} {:<32} {}\n", finding.error, finding.entered,
                     finding.saturated == 0 ? std::string("-") : fmt::format("{}", finding.saturated), finding.precision,
                     finding.tensor, fmt::join(finding.origins, " "));
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json("infinite"); }

}  // namespace

std::string propose_cure(const LayerFinding& finding, bool device_has_fp16) {
  const bool half = finding.precision == "fp16";
  const std::string node = finding.origins.empty() ? finding.tensor : finding.origins.front();
  const bool saturates = static_cast<double>(finding.saturated) > kManySaturated * static_cast<double>(finding.values);
  if (half && finding.largest > kLargestHalf) {
    return fmt::format("its values reach {:.3g}, fp16 ends at 65504: keep {} off the DLA (--layerDeviceTypes={}:GPU), or scale the "
                       "weights before it", finding.largest, node, node);
  }
  if (!half && saturates) {
    return fmt::format("{} of {} values lie outside its range: calibrate with more and more varied samples, or with --calibrator max",
                       finding.saturated, finding.values);
  }
  if (finding.entered > 0.0 && finding.error < kPassedOn * finding.entered) {
    return fmt::format("the error enters with its inputs ({:.3e}): look at the layers before it, or lower --tolerance",
                       finding.entered);
  }
  if (half) {
    return fmt::format("fp16 loses digits here, most likely in a difference of large numbers: keep {} off the DLA "
                       "(--layerDeviceTypes={}:GPU)", node, node);
  }
  if (device_has_fp16) {
    return fmt::format("its values need more than 8 bits: keep it in FP16 (--layerPrecisions={}:fp16, or --accuracy-budget)", node);
  }
  return fmt::format("its values need more than 8 bits, and this device has no fp16: keep {} off the DLA (--layerDeviceTypes={}:GPU)",
                     node, node);
}

std::string debug_to_text(const DebugReport& report, bool all) {
  std::string text = fmt::format("{}: {} on {}, {} tensors of {} samples beside FP32\n", report.model, report.precision, report.device,
                                 report.layers.size(), report.samples);
  text += fmt::format("  {:<10} {:<10} {:>9} {:<5} {:<32} {}\n", "error", "entered", "saturated", "as", "tensor", "nodes");
  for (size_t i = 0; i < report.layers.size(); ++i) {
    const bool near = report.first >= 0 && i <= static_cast<size_t>(report.first) && i + 4 > static_cast<size_t>(report.first);
    text += all || near ? finding_line(report.layers[i]) : "";
  }
  if (report.first < 0) {
    return text + fmt::format("  no tensor is further than {:g} from FP32\n", report.tolerance);
  }
  const LayerFinding& finding = report.layers[static_cast<size_t>(report.first)];
  return text + fmt::format("first divergence: {} (layer {}), error {:.3e} over {:g}, {} of {} values saturated\ncure: {}\n",
                            finding.tensor, finding.layer, finding.error, report.tolerance, finding.saturated, finding.values,
                            report.cure);
}

std::string debug_to_json(const DebugReport& report) {
  Json layers = Json::array();
  for (const LayerFinding& f : report.layers) {
    layers.push_back({{"tensor", f.tensor}, {"layer", f.layer}, {"nodes", f.origins}, {"precision", f.precision},
                      {"error", number(f.error)}, {"entered", number(f.entered)}, {"scale", f.scale}, {"largest", number(f.largest)},
                      {"values", f.values}, {"saturated", f.saturated}});
  }
  Json json{{"model", report.model}, {"device", report.device}, {"precision", report.precision}, {"samples", report.samples},
            {"tolerance", report.tolerance}, {"layers", std::move(layers)}};
  if (report.first >= 0) {
    const LayerFinding& finding = report.layers[static_cast<size_t>(report.first)];
    json["first"] = {{"tensor", finding.tensor}, {"error", number(finding.error)}, {"saturated", finding.saturated},
                     {"cure", report.cure}};
  } else {
    json["first"] = nullptr;
  }
  return json.dump(2) + "\n";
}

}  // namespace medlar::api
