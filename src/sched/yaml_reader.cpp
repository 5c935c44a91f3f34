// SPDX-License-Identifier: Apache-2.0
#include "sched/yaml_reader.hpp"

#include <charconv>
#include <cmath>
#include <span>

namespace medlar::sched {
namespace {

struct UnitFactor {
  std::string_view name;
  double factor;
};

constexpr UnitFactor kTimes[] = {{"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"s", 1}};
constexpr UnitFactor kSizes[] = {{"MB", 1e6},   {"B", 1},         {"kB", 1e3},        {"GB", 1e9},
                                 {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};
constexpr UnitFactor kBandwidths[] = {{"GB/s", 1e9}, {"MB/s", 1e6}};
constexpr UnitFactor kPowers[] = {{"W", 1}, {"mW", 1e-3}};
constexpr UnitFactor kEnergies[] = {{"J", 1}, {"mJ", 1e-3}, {"uJ", 1e-6}};
constexpr UnitFactor kRates[] = {{"/s", 1}, {"fps", 1}, {"Hz", 1}};
constexpr UnitFactor kPlain[] = {{"", 1}};

std::span<const UnitFactor> units_of(Unit unit) {
  switch (unit) {
    case Unit::kSeconds:
      return kTimes;
    case Unit::kBytes:
      return kSizes;
    case Unit::kBandwidth:
      return kBandwidths;
    case Unit::kWatts:
      return kPowers;
    case Unit::kJoules:
      return kEnergies;
    case Unit::kRate:
      return kRates;
    case Unit::kNumber:
      return kPlain;
  }
  return kPlain;
}

}  // namespace

Result<double> parse_quantity(std::string_view text, Unit unit) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  while (!rest.empty() && rest.front() == ' ') {
    rest.remove_prefix(1);
  }
  const auto units = units_of(unit);
  std::string names;
  for (const UnitFactor& candidate : units) {
    if (error == std::errc() && std::isfinite(value) && value >= 0 &&
        (rest == candidate.name || rest.empty())) {
      return value * (rest.empty() ? units.front().factor : candidate.factor);
    }
    names += (names.empty() ? "" : ", ") + std::string(candidate.name);
  }
  return fail(Code::kInvalidArgument, "'{}' is no number of 0 or more{}", text,
              names.empty() ? std::string() : " with one of the units " + names);
}

Result<YamlMap> YamlMap::of(const YAML::Node& node, std::string where, std::string file) {
  YamlMap map(node, std::move(where), std::move(file));
  if (!node.IsMap()) {
    return map.error("is not a map of keys and values");
  }
  return map;
}

tl::unexpected<Error> YamlMap::error(std::string_view what) const {
  const YAML::Mark mark = node_.Mark();
  return fail(Code::kInvalidArgument, "{}:{}: {}: {}", file_, mark.line + 1, where_, what);
}

bool YamlMap::has(const std::string& key) const {
  return static_cast<bool>(node_[key]);
}

YAML::Node YamlMap::node(const std::string& key) {
  asked_.insert(key);
  return node_[key];
}

Result<std::string> YamlMap::text(const std::string& key) {
  const YAML::Node value = node(key);
  if (!value) {
    return error(fmt::format("'{}' is missing", key));
  }
  if (!value.IsScalar()) {
    return error(fmt::format("'{}' is not one value", key));
  }
  return value.Scalar();
}

Result<std::string> YamlMap::text_or(const std::string& key, std::string fallback) {
  return has(key) ? text(key) : Result<std::string>(std::move(fallback));
}

Result<double> YamlMap::quantity(const std::string& key, Unit unit) {
  MEDLAR_ASSIGN(const std::string value, text(key));
  auto parsed = parse_quantity(value, unit);
  return parsed ? parsed : error(fmt::format("'{}': {}", key, parsed.error().message));
}

Result<double> YamlMap::quantity_or(const std::string& key, Unit unit, double fallback) {
  return has(key) ? quantity(key, unit) : Result<double>(fallback);
}

Result<uint64_t> YamlMap::count_or(const std::string& key, uint64_t fallback) {
  if (!has(key)) {
    return fallback;
  }
  MEDLAR_ASSIGN(const std::string value, text(key));
  uint64_t count = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (code != std::errc() || end != value.data() + value.size()) {
    return error(fmt::format("'{}': '{}' is no whole number", key, value));
  }
  return count;
}

Result<std::vector<std::string>> YamlMap::texts(const std::string& key) {
  const YAML::Node value = node(key);
  std::vector<std::string> all;
  if (!value) {
    return all;
  }
  if (value.IsScalar()) {
    return std::vector<std::string>{value.Scalar()};
  }
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) {
      return error(fmt::format("'{}' is not a list of names", key));
    }
    all.push_back(item.Scalar());
  }
  return all;
}

Result<YamlMap> YamlMap::map(const std::string& key) {
  const YAML::Node value = node(key);
  if (!value) {
    return error(fmt::format("'{}' is missing", key));
  }
  return of(value, where_ + " " + key, file_);
}

Result<std::vector<YamlMap>> YamlMap::list(const std::string& key) {
  const YAML::Node value = node(key);
  if (!value || !value.IsSequence()) {
    return error(fmt::format("'{}' must be a list", key));
  }
  std::vector<YamlMap> all;
  for (const YAML::Node& item : value) {
    MEDLAR_ASSIGN(YamlMap map, of(item, fmt::format("{} {}[{}]", where_, key, all.size()), file_));
    all.push_back(std::move(map));
  }
  return all;
}

std::vector<std::string> YamlMap::unread() const {
  std::vector<std::string> keys;
  for (const auto& pair : node_) {
    if (!asked_.contains(pair.first.Scalar())) {
      keys.push_back(pair.first.Scalar());
    }
  }
  return keys;
}

Status YamlMap::done() const {
  const std::vector<std::string> left = unread();
  if (left.empty()) {
    return {};
  }
  return error(fmt::format("unknown key '{}'; known here are {}", left.front(), fmt::join(asked_, ", ")));
}

}  // namespace medlar::sched
