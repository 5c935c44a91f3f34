// SPDX-License-Identifier: Apache-2.0
#include "profile/advisor_rules.hpp"

#include "sched/scenario.hpp"
#include "timing/machine.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace medlar::profile {
namespace {

using compiler::Engine;
using MaybeFinding = std::optional<Finding>;

constexpr double kPercent = 100;

double share(double part, const Case& c) {
  return c.profile.total_ms == 0 ? 0 : part / c.profile.total_ms;
}

std::string ms_gain(double ms, const Case& c) {
  return fmt::format("about {:.3g} ms of {:.3g} ms ({:.0f} %)", ms, c.profile.total_ms,
                     kPercent * share(ms, c));
}

/// Names, the first few of them.
std::string some(const std::vector<std::string>& names) {
  constexpr size_t kShown = 4;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  return names.size() > kShown ? fmt::format("{} and {} more", text, names.size() - kShown) : text;
}

/// What the DLA would take for the multiply-accumulates of nodes that are not on it, at the utilisation it
/// reaches now.
double on_dla_ms(uint64_t macs, const Case& c) {
  const uint32_t peak = c.profile.precision == "int8" ? c.device.macs_int8 : c.device.macs_fp16;
  const double reached = std::max(0.05, c.profile.utilisation);
  return 1e3 * static_cast<double>(macs) / (peak * reached * static_cast<double>(c.mode.dla_hz));
}

/// Nodes by the reason that keeps them off the DLA.
struct Refused {
  std::vector<std::string> nodes;
  std::vector<std::string> operators;
  std::string reason;
  uint64_t macs = 0;
  double ms = 0;
};

std::map<std::string, Refused> refused_by_reason(const Case& c) {
  std::map<std::string, Refused> groups;
  for (const compiler::Placement& placement : c.engine.plan.placements) {
    if (placement.segment < 0 || placement.engine == Engine::kDla) {
      continue;
    }
    Refused& group = groups[placement.reason_code];
    group.nodes.push_back(placement.node);
    if (std::find(group.operators.begin(), group.operators.end(), placement.op_type) ==
        group.operators.end()) {
      group.operators.push_back(placement.op_type);
    }
    group.reason = group.reason.empty() ? placement.reason : group.reason;
    group.macs += placement.macs;
    for (const LayerProfile& layer : c.profile.layers) {
      group.ms += layer.engine != Engine::kDla && layer.name == placement.node ? layer.ms : 0;
    }
  }
  return groups;
}

/// Low DLA utilisation because of fallback layers: one finding for each reason.
std::vector<Finding> replace_operators(const Case& c) {
  std::vector<Finding> findings;
  for (const auto& [code, group] : refused_by_reason(c)) {
    const double transition =
        c.profile.transitions == 0 ? 0 : c.profile.transition_ms / static_cast<double>(c.profile.transitions);
    const double gain = std::max(0.0, group.ms + transition - on_dla_ms(group.macs, c));
    findings.push_back(
        {"fallback-" + code,
         fmt::format("{} of {} nodes do not run on the DLA: {}", group.nodes.size(), c.profile.nodes,
                     some(group.operators)),
         fmt::format("{} {}; nodes {}", code, group.reason, some(group.nodes)),
         fmt::format("replace {} by what the DLA runs, or move it out of the model", some(group.operators)),
         gain, ms_gain(gain, c) + ", with one transition less"});
  }
  return findings;
}

MaybeFinding group_layers(const Case& c) {
  constexpr size_t kNeeded = 2;  // in and out once
  if (c.profile.transitions <= kNeeded) {
    return std::nullopt;
  }
  const double each = c.profile.transition_ms / static_cast<double>(c.profile.transitions);
  const double gain = each * static_cast<double>(c.profile.transitions - kNeeded);
  std::vector<std::string> hosts;
  for (const SegmentProfile& segment : c.profile.segments) {
    if (segment.engine != Engine::kDla) {
      hosts.push_back(segment.name);
    }
  }
  return Finding{
      "transitions",
      "high DLA-GPU transition time: the engine is switched too often",
      fmt::format("{} transitions take {:.3g} ms, {:.0f} % of the inference; host segments {}",
                  c.profile.transitions, c.profile.transition_ms,
                  kPercent * share(c.profile.transition_ms, c), some(hosts)),
      "group the layers of each engine contiguously: unsupported operators at the front or the end",
      gain,
      ms_gain(gain, c)};
}

MaybeFinding too_small(const Case& c) {
  const auto gpu = whole_model_on(c.engine, c.device, c.mode, Engine::kGpu);
  const auto cpu = whole_model_on(c.engine, c.device, c.mode, Engine::kCpu);
  if (c.profile.dla_ms == 0 || !cpu) {
    return std::nullopt;
  }
  const bool on_gpu = gpu && gpu->ms <= cpu->ms;
  const HostEstimate& other = on_gpu ? *gpu : *cpu;
  const double overhead = c.profile.transition_ms;
  if (other.ms >= c.profile.total_ms || overhead < c.profile.dla_ms) {
    return std::nullopt;
  }
  const double gain = c.profile.total_ms - other.ms;
  return Finding{
      "too-small",
      "the model is too small for the DLA: handing over costs more than computing",
      fmt::format("DLA layers take {:.3g} ms, transitions {:.3g} ms; the {} alone would take {:.3g} ms",
                  c.profile.dla_ms, overhead, on_gpu ? "GPU" : "CPU", other.ms),
      fmt::format("run it on the {}, or several frames at a time", on_gpu ? "GPU" : "CPU"),
      gain,
      ms_gain(gain, c)};
}

MaybeFinding use_int8(const Case& c) {
  if (c.profile.precision != "fp16" || !c.device.config->supports(hw::Precision::kInt8) ||
      c.profile.dla_ms == 0) {
    return std::nullopt;
  }
  const double speedup = static_cast<double>(c.device.macs_int8) / std::max(1u, c.device.macs_fp16);
  double gain = 0;
  for (const LayerProfile& layer : c.profile.layers) {
    if (layer.engine ==
        Engine::kDla) {  // arithmetic by the number of multipliers, everything else by its bytes
      gain += layer.ms * (1 - 1 / (layer.bound == "mac" ? std::max(2.0, speedup) : 2.0));
    }
  }
  return Finding{
      "int8",
      "FP16 on a DLA that computes INT8 faster",
      fmt::format("{:.3g} ms of DLA layers in FP16; {} INT8 and {} FP16 multiply-accumulates a cycle",
                  c.profile.dla_ms, c.device.macs_int8, c.device.macs_fp16),
      "build with --int8 and calibration data; measure the accuracy with `medlar accuracy`",
      gain,
      ms_gain(gain, c)};
}

bool waits_for_memory(const LayerProfile& layer) {
  return layer.engine == Engine::kDla && (layer.bound == "memory" || layer.bound == "load");
}

/// Layers that wait for DRAM though their tensors would fit the SRAM.
MaybeFinding to_sram(const Case& c) {
  const timing::Machine machine = timing::machine_of(c.device, c.mode);
  double gain = 0, waiting = 0;
  std::vector<std::string> names;
  for (const LayerProfile& layer : c.profile.layers) {
    if (!waits_for_memory(layer)) {
      continue;
    }
    waiting += layer.ms;
    if (c.device.sram_bytes == 0 || layer.dram_bytes > c.device.sram_bytes ||
        machine.sram.bytes_per_cycle <= machine.dram.bytes_per_cycle) {
      continue;
    }
    gain += layer.ms * (1 - machine.dram.bytes_per_cycle / machine.sram.bytes_per_cycle);
    names.push_back(layer.name);
  }
  if (names.empty() || share(waiting, c) < 0.05) {
    return std::nullopt;
  }
  return Finding{
      "sram",
      "memory bound: layers wait for DRAM",
      fmt::format("{} layers spend {:.3g} ms waiting for memory; {} move no more than the {} KiB of SRAM: {}",
                  names.size(), waiting, names.size(), c.device.sram_bytes / 1024, some(names)),
      "keep the tensors between these layers in SRAM (--memPoolSize=dlaSRAM)",
      gain,
      ms_gain(gain, c)};
}

/// Convolutions whose channels leave most multipliers idle.
MaybeFinding wide_channels(const Case& c) {
  double gain = 0, spent = 0;
  std::vector<std::string> names;
  for (const LayerProfile& layer : c.profile.layers) {
    constexpr double kPoor = 0.15, kReachable = 0.5;
    if (layer.engine == Engine::kDla && layer.macs > 0 && layer.bound == "mac" && layer.utilisation < kPoor) {
      spent += layer.ms;
      gain += layer.ms * (1 - layer.utilisation / kReachable);
      names.push_back(layer.name);
    }
  }
  if (share(spent, c) < 0.1) {
    return std::nullopt;
  }
  return Finding{
      "channels",
      "multipliers idle: convolutions with few channels or kernels",
      fmt::format("{} take {:.3g} ms below 15 % of the multiply-accumulates: {}", names.size(), spent,
                  some(names)),
      fmt::format("make channels multiples of {} and kernels multiples of {}; replace depthwise convolutions",
                  c.device.config->atomic_c, c.device.config->atomic_k),
      gain,
      ms_gain(gain, c)};
}

MaybeFinding contention(const Case& c) {
  const double reached = sched::scenario_for(c.device, c.mode).dram_bytes_per_second;
  const double used = static_cast<double>(c.profile.dram_bytes) / (c.profile.total_ms / 1e3) / reached;
  if (used < 0.5) {
    return std::nullopt;
  }
  return Finding{"contention",
                 "latency will vary: the model alone takes most of the DRAM bandwidth",
                 fmt::format("{:.1f} MB an inference are {:.0f} % of what the engines reach together",
                             static_cast<double>(c.profile.dram_bytes) / 1e6, kPercent * used),
                 "reduce concurrent DRAM access: schedule other engines' work apart (`medlar simulate`)",
                 0,
                 fmt::format("up to {:.2g}x when a second engine wants as much", std::max(1.0, 2 * used))};
}

MaybeFinding little_on_dla(const Case& c) {
  if (c.profile.dla_nodes == c.profile.nodes || c.profile.dla_share() > 0.5) {
    return std::nullopt;
  }
  const double elsewhere = c.profile.gpu_ms + c.profile.cpu_ms;
  return Finding{
      "low-utilisation",
      "low DLA utilisation: most of the time passes elsewhere",
      fmt::format(
          "DLA {:.3g} ms, GPU {:.3g} ms, CPU {:.3g} ms, transitions {:.3g} ms; {} of {} nodes on the DLA",
          c.profile.dla_ms, c.profile.gpu_ms, c.profile.cpu_ms, c.profile.transition_ms, c.profile.dla_nodes,
          c.profile.nodes),
      "use a DLA-friendly architecture: convolutions, pooling, ReLU; or run the model on the GPU",
      elsewhere / 2,
      fmt::format("{}, if half of it moved to the DLA", ms_gain(elsewhere / 2, c))};
}

}  // namespace

std::vector<Finding> find_all(const Case& c) {
  std::vector<Finding> findings = replace_operators(c);
  for (const auto rule :
       {little_on_dla, group_layers, too_small, use_int8, to_sram, wide_channels, contention}) {
    if (MaybeFinding finding = rule(c)) {
      findings.push_back(*std::move(finding));
    }
  }
  return findings;
}

}  // namespace medlar::profile
