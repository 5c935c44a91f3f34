// SPDX-License-Identifier: Apache-2.0
#include "api/doctor_speed.hpp"

#include "api/profile.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

namespace medlar::api {
namespace {

/// Share of an inference that handing work between engines may take before it is the reason for a long one.
constexpr double kTransitionShare = 0.25;
/// Hand-overs without which no model reaches the DLA and its results come back.
constexpr size_t kNeededTransitions = 2;
constexpr double kMillijoules = 1e3;

/// One engine for the whole model, beside the engine that was built.
struct Rival {
  std::string_view name;
  profile::HostEstimate estimate;
};

std::optional<Rival> rival_of(const engine::Engine& engine, const profile::EngineProfile& profile) {
  const auto device = hw::find_device(engine.device);
  const auto mode = device ? (*device)->find_mode(profile.mode) : tl::unexpected<Error>(device.error());
  if (!mode) {
    return std::nullopt;
  }
  for (const auto& [name, host] :
       {std::pair{"GPU", compiler::Engine::kGpu}, std::pair{"CPU", compiler::Engine::kCpu}}) {
    if (const auto whole = profile::whole_model_on(engine, **device, **mode, host)) {
      return Rival{name, *whole};
    }
  }
  return std::nullopt;
}

void explain(const profile::EngineProfile& p, const Rival& rival, Finding& f) {
  const double fallback = p.gpu_ms + p.cpu_ms;
  const double handing = p.transition_ms + p.submit_ms;
  if (handing > kTransitionShare * p.total_ms && p.transitions <= kNeededTransitions) {
    f.cause = "the model is too small for the cost of handing it over";
    f.cure = fmt::format("run it on the {} alone, or batch several inputs", rival.name);
  } else if (handing > kTransitionShare * p.total_ms) {
    f.cause = "too many transitions between the DLA and other engines";
    f.cure = fmt::format("group the layers that fall back, replace them, or run the model on the {} alone",
                         rival.name);
  } else if (fallback > p.dla_ms) {
    f.cause = "most of the time goes into layers that do not run on the DLA";
    f.cure = fmt::format(
        "replace the operations that `medlar inspect` lists as falling back, or run the model on the {} "
        "alone",
        rival.name);
  } else {
    f.cause = fmt::format(
        "the {} computes this model faster than a DLA core; the DLA is there for watts and to leave the {} "
        "free",
        rival.name, rival.name);
    f.cure = fmt::format(
        "where latency counts run it on the {}; where energy counts compare {:.3g} mJ with its {:.3g} mJ an "
        "inference (engines without DRAM){}",
        rival.name, kMillijoules * (p.joules - p.dram_joules), kMillijoules * rival.estimate.joules,
        p.precision == "fp16" ? "; build with --int8" : "");
  }
}

}  // namespace

Finding speed_finding(const engine::Engine& engine, const std::string& mode) {
  Finding f{.trouble = "Slower than the GPU", .evidence = {}, .cause = {}, .cure = {}};
  const auto profiled = profile_engine(engine, engine.model, {.mode = mode});
  if (!profiled) {
    f.evidence = fmt::format("nothing was timed: {}", profiled.error().to_string());
    return f;
  }
  const profile::EngineProfile& p = profiled->profile;
  f.evidence = fmt::format(
      "one inference takes {:.3f} ms (modelled): DLA {:.3f} ms, its tasks' submission {:.3f} ms, other "
      "engines {:.3f} ms, {} {} {:.3f} ms",
      p.total_ms, p.dla_ms, p.submit_ms, p.gpu_ms + p.cpu_ms, p.transitions,
      p.transitions == 1 ? "transition" : "transitions", p.transition_ms);
  const auto rival = rival_of(engine, p);
  if (!rival || p.dla_ms <= 0) {
    f.evidence += rival ? "; nothing runs on the DLA" : "; the module has no other engine to compare with";
    return f;
  }
  f.evidence += fmt::format("; its {} alone would take {:.3f} ms", rival->name, rival->estimate.ms);
  f.health = rival->estimate.ms < p.total_ms ? Health::kWarning : Health::kGood;
  if (f.health == Health::kWarning) {
    explain(p, *rival, f);
  }
  return f;
}

}  // namespace medlar::api
