// SPDX-License-Identifier: Apache-2.0
#include "compiler/calibration_cache.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <set>

#include <nlohmann/json.hpp>

namespace medlar::compiler {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHeader = "TRT-8601-EntropyCalibration2";

bool is_tensorrt(std::string_view text) {
  return text.starts_with("TRT-") && text.substr(0, text.find('\n')).find("Calibration") != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  return text;
}

bool usable(float scale) { return std::isfinite(scale) && scale > 0.0f; }

Result<CalibrationTable> parse_tensorrt(std::string_view text, std::string_view name) {
  CalibrationTable table;
  int number = 1;
  for (size_t at = std::min(text.find('\n'), text.size() - 1) + 1; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (line.empty()) {
      continue;
    }
    const size_t colon = line.rfind(':');  // tensor names may hold colons themselves
    const std::string_view digits = colon == std::string_view::npos ? line : trimmed(line.substr(colon + 1));
    uint32_t bits = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
    const auto scale = std::bit_cast<float>(bits);
    if (colon == std::string_view::npos || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || digits.size() > 8) {
      return fail(Code::kCorrupt, "{}:{}: no 'name: hexadecimal float' in \"{}\"", name, number + 1, line);
    }
    if (scale == 0.0f) {
      continue;  // a tensor that was always zero
    }
    if (!usable(scale)) {
      return fail(Code::kCorrupt, "{}:{}: scale {} of {}", name, number + 1, scale, line.substr(0, colon));
    }
    table.ranges[std::string(line.substr(0, colon))] = {.scale = scale};
  }
  return table;
}

Result<float> number_of(const Json& entry, std::string_view key, std::string_view where) {
  const auto found = entry.find(key);
  if (found == entry.end()) {
    return 0.0f;
  }
  if (!found->is_number()) {
    return fail(Code::kCorrupt, "{}: \"{}\" is no number", where, key);
  }
  return found->get<float>();
}

Result<TensorRange> parse_entry(const Json& entry, const std::string& where) {
  constexpr std::array<std::string_view, 4> kKeys{"scale", "min", "max", "offset"};
  if (!entry.is_object()) {
    return fail(Code::kCorrupt, "{}: no object of scale, min, max and offset", where);
  }
  for (const auto& [key, value] : entry.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      return fail(Code::kCorrupt, "{}: unknown key \"{}\"", where, key);
    }
  }
  TensorRange range;
  MEDLAR_ASSIGN(range.scale, number_of(entry, "scale", where));
  MEDLAR_ASSIGN(range.min, number_of(entry, "min", where));
  MEDLAR_ASSIGN(range.max, number_of(entry, "max", where));
  MEDLAR_ASSIGN(const float offset, number_of(entry, "offset", where));
  const bool sane = std::isfinite(range.min) && std::isfinite(range.max) && range.min <= range.max && range.scale >= 0.0f &&
                    std::isfinite(range.scale);
  if (!sane) {
    return fail(Code::kCorrupt, "{}: scale {}, min {}, max {}", where, range.scale, range.min, range.max);
  }
  if (offset != 0.0f) {
    return fail(Code::kUnsupported, "{}: offset {}; these tables are symmetric, the offset must be 0", where, offset);
  }
  return range;
}

Result<CalibrationTable> parse_json(std::string_view text, std::string_view name) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return fail(Code::kCorrupt, "{}: not a JSON object", name);
  }
  CalibrationTable table;
  for (const auto& [key, entry] : json.items()) {
    MEDLAR_ASSIGN(table.ranges[key], parse_entry(entry, fmt::format("{}: {}", name, key)));
  }
  return table;
}

/// Whether a node's outputs are never negative whatever its input is, or when it is not.
enum class Sign : uint8_t { kAny, kNeverNegative, kAsInput };

Sign sign_of(const graph::Graph& graph, const graph::Node& node) {
  static const std::set<std::string_view> kNever{"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Exp", "Softplus", "Abs", "Sqrt"};
  static const std::set<std::string_view> kSame{"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Reshape",
                                                "Flatten", "Identity", "Dropout", "Transpose", "Concat", "Split", "Slice",
                                                "Squeeze", "Unsqueeze", "Resize", "DepthToSpace", "SpaceToDepth"};
  if (node.op_type == "Clip") {
    const auto attribute = graph::float_attribute(node, "min", -1.0f);
    float low = attribute ? *attribute : -1.0f;
    if (node.inputs.size() > 1 && node.inputs[1] != graph::kNoValue && graph.value(node.inputs[1]).is_constant()) {
      const auto values = graph::to_doubles(*graph.value(node.inputs[1]).data);
      low = values && !values->empty() ? static_cast<float>((*values)[0]) : -1.0f;
    }
    return low >= 0.0f ? Sign::kNeverNegative : Sign::kAny;
  }
  if (kNever.contains(node.op_type)) {
    return Sign::kNeverNegative;
  }
  return kSame.contains(node.op_type) ? Sign::kAsInput : Sign::kAny;
}

/// Values that are never negative, by the functions that make them. Nodes are in topological order.
std::set<std::string> never_negative(const graph::Graph& graph) {
  std::set<std::string> names;
  for (const graph::Node& node : graph.nodes) {
    const Sign sign = sign_of(graph, node);
    bool inputs = sign == Sign::kAsInput;
    for (const graph::ValueId id : node.inputs) {
      const bool activation = id != graph::kNoValue && !graph.value(id).is_constant();
      inputs = inputs && (!activation || names.contains(graph.value(id).name));
    }
    if (sign == Sign::kNeverNegative || inputs) {
      for (const graph::ValueId id : node.outputs) {
        names.insert(id == graph::kNoValue ? std::string() : graph.value(id).name);
      }
    }
  }
  return names;
}

/// The value that an entry of a cache speaks of.
std::string value_named(const graph::Graph& graph, const std::string& name) {
  if (graph::find_value(graph, name)) {
    return name;
  }
  for (const graph::Node& node : graph.nodes) {
    if (node.name == name && !node.outputs.empty() && node.outputs[0] != graph::kNoValue) {
      return graph.value(node.outputs[0]).name;
    }
  }
  return {};
}

}  // namespace

bool is_calibration_cache(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return is_tensorrt(text) || (first != std::string_view::npos && text[first] == '{');
}

Result<CalibrationTable> parse_calibration_cache(std::string_view text, std::string_view name) {
  return is_tensorrt(text) ? parse_tensorrt(text, name) : parse_json(text, name);
}

Result<CalibrationTable> resolve_ranges(const CalibrationTable& cache, const graph::Graph& graph, std::vector<std::string>& unknown) {
  const std::set<std::string> positive = never_negative(graph);
  CalibrationTable table;
  for (const auto& [name, given] : cache.ranges) {
    const std::string value = value_named(graph, name);
    if (value.empty()) {
      unknown.push_back(name);
      continue;
    }
    const float reach = magnitude(given);
    TensorRange range{.min = given.min, .max = given.max, .scale = 0.0f, .reach = reach};
    if (given.scale > 0.0f && given.min == 0.0f && given.max == 0.0f) {
      range.max = reach;
      range.min = positive.contains(value) ? 0.0f : -reach;
    }
    table.ranges[value] = std::move(range);
  }
  if (table.ranges.empty()) {
    return fail(Code::kNotFound, "none of its {} names is a tensor or node of the model, the first is '{}'", cache.ranges.size(),
                unknown.empty() ? "" : unknown[0]);
  }
  return table;
}

std::string to_tensorrt_cache(const CalibrationTable& table) {
  std::string text = std::string(kHeader) + "\n";
  for (const auto& [name, range] : table.ranges) {
    const float largest = magnitude(range);
    text += fmt::format("{}: {:08x}\n", name, std::bit_cast<uint32_t>(largest > 0.0f ? largest / 127.0f : 0.0f));
  }
  return text;
}

std::string to_nvdla_json(const CalibrationTable& table) {
  Json json = Json::object();
  for (const auto& [name, range] : table.ranges) {
    const float reach = magnitude(range);
    json[name] = {{"scale", int8_scale(range)},
                  {"min", std::max(range.min, -reach)},
                  {"max", std::min(range.max, reach)},
                  {"offset", 0}};
  }
  return json.dump(1) + "\n";
}

}  // namespace medlar::compiler
