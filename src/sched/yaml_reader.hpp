// SPDX-License-Identifier: Apache-2.0
// A map of a YAML file, read key by key: quantities with units, errors with lines, and nothing left unread.
// Private to this folder.
#pragma once

#include "base/status.hpp"

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <yaml-cpp/yaml.h>

namespace medlar::sched {

/// What a number stands for, and so which units it may carry. The first is what a bare number means.
enum class Unit : uint8_t {
  kSeconds,    ///< ms, us, ns, s.
  kBytes,      ///< MB, B, kB, GB, KiB, MiB, GiB.
  kBandwidth,  ///< GB/s, MB/s.
  kWatts,      ///< W, mW.
  kJoules,     ///< J, mJ, uJ.
  kRate,       ///< /s, fps, Hz.
  kNumber,
};

/// "4 ms" to 0.004. The error names the value and the units that are known.
Result<double> parse_quantity(std::string_view text, Unit unit);

class YamlMap {
 public:
  /// `node` must be a map; `where` appears in errors.
  static Result<YamlMap> of(const YAML::Node& node, std::string where, std::string file);

  bool has(const std::string& key) const;
  Result<std::string> text(const std::string& key);
  Result<std::string> text_or(const std::string& key, std::string fallback);
  Result<double> quantity(const std::string& key, Unit unit);
  Result<double> quantity_or(const std::string& key, Unit unit, double fallback);
  Result<uint64_t> count_or(const std::string& key, uint64_t fallback);
  /// One text or a list of texts; empty when absent.
  Result<std::vector<std::string>> texts(const std::string& key);
  Result<YamlMap> map(const std::string& key);
  Result<std::vector<YamlMap>> list(const std::string& key);
  /// Keys not asked for yet, in the order of the file.
  std::vector<std::string> unread() const;
  YAML::Node node(const std::string& key);

  /// An error unless every key has been asked for.
  Status done() const;
  tl::unexpected<Error> error(std::string_view what) const;
  const std::string& where() const { return where_; }

 private:
  YamlMap(YAML::Node node, std::string where, std::string file)
      : node_(std::move(node)), where_(std::move(where)), file_(std::move(file)) {}

  YAML::Node node_;
  std::string where_, file_;
  std::set<std::string> asked_;
};

}  // namespace medlar::sched
