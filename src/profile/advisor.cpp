// SPDX-License-Identifier: Apache-2.0
#include "profile/advisor.hpp"

#include "profile/advisor_rules.hpp"

#include <algorithm>

namespace medlar::profile {
namespace {

using compiler::Engine;

/// An engine, or two together, as a choice for the whole model.
struct Option {
  std::string name;
  double ms = 0;          ///< Latency.
  double per_second = 0;  ///< Throughput.
  double joules = 0;      ///< A frame.
};

std::string describe(const std::vector<Option>& options, double Option::*member, std::string_view unit,
                     double scale) {
  std::string text;
  for (const Option& option : options) {
    text +=
        fmt::format("{}{} {:.3g} {}", text.empty() ? "" : ", ", option.name, scale * (option.*member), unit);
  }
  return text;
}

std::vector<Option> options_for(const engine::Engine& engine, const hw::DeviceProfile& device,
                                const hw::PowerMode& mode, const EngineProfile& profile) {
  std::vector<Option> options;
  const bool uses_dla = profile.dla_ms > 0;
  const std::string own =
      uses_dla ? (profile.dla_nodes == profile.nodes ? "DLA" : "DLA with fallback") : "fallback only";
  options.push_back({own, profile.total_ms, 1e3 / profile.total_ms, profile.joules});
  for (const Engine host : {Engine::kGpu, Engine::kCpu}) {
    if (const auto whole = whole_model_on(engine, device, mode, host)) {
      options.push_back({host == Engine::kGpu ? "GPU" : "CPU", whole->ms, 1e3 / whole->ms, whole->joules});
    }
  }
  if (uses_dla && options.size() > 1 && options[1].name == "GPU") {
    // Frames in turn: what the fallback takes of the GPU's time is not there for whole frames.
    const double gpu_left = std::max(0.0, 1 - profile.gpu_ms / profile.total_ms);
    const double dla = options[0].per_second, gpu = options[1].per_second * gpu_left;
    const double sum = dla + gpu;
    options.push_back({"DLA + GPU", std::max(options[0].ms, options[1].ms), sum,
                       (dla * options[0].joules + gpu * options[1].joules) / sum});
  }
  return options;
}

}  // namespace

Advice advise(const engine::Engine& engine, const hw::DeviceProfile& device, const hw::PowerMode& mode,
              const EngineProfile& profile) {
  Advice advice;
  if (profile.total_ms <= 0) {
    return advice;
  }
  advice.findings = find_all({engine, device, mode, profile});
  std::stable_sort(advice.findings.begin(), advice.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.gain_ms > b.gain_ms; });
  const std::vector<Option> options = options_for(engine, device, mode, profile);
  const auto best = [&](auto better) {
    return std::min_element(options.begin(), options.end(), better)->name;
  };
  advice.recommendations.push_back({"latency",
                                    best([](const Option& a, const Option& b) { return a.ms < b.ms; }),
                                    describe(options, &Option::ms, "ms", 1)});
  advice.recommendations.push_back(
      {"throughput", best([](const Option& a, const Option& b) { return a.per_second > b.per_second; }),
       describe(options, &Option::per_second, "frames/s", 1)});
  advice.recommendations.push_back(
      {"watts", best([](const Option& a, const Option& b) { return a.joules < b.joules; }),
       describe(options, &Option::joules, "mJ a frame", 1e3)});
  return advice;
}

}  // namespace medlar::profile
