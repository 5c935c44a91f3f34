// SPDX-License-Identifier: Apache-2.0
// A scenario: engines, models as layer groups with their cost on each engine, and streams of frames. Plain
// data; all times are modelled.
#pragma once

#include "hw/device.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medlar::sched {

/// Nanoseconds of modelled time.
using Time = int64_t;
inline constexpr Time kNever = -1;
inline constexpr double kNanoseconds = 1e9;
Time to_time(double seconds);
double to_seconds(Time time);

enum class EngineKind : uint8_t { kDla, kGpu, kCpu };
inline constexpr size_t kEngineKinds = 3;
/// "dla", "gpu", "cpu".
std::string_view kind_name(EngineKind kind);

/// Something that runs one segment at a time (`servers` of them side by side). Power is that of the engine
/// without DRAM.
struct EngineSpec {
  std::string name;
  EngineKind kind = EngineKind::kDla;
  uint32_t servers = 1;
  double idle_watts = 0;    ///< On, nothing to do; also while it works, beneath the work's own energy.
  double gated_watts = 0;   ///< After `gate_after` without work.
  double active_watts = 0;  ///< Of work that states none.
  Time gate_after = kNever;
  Time wake = 0;  ///< From gated to the first work.
};

/// One segment alone on its engine.
struct Cost {
  double seconds = 0;
  double dram_bytes = 0;
  double joules = 0;  ///< Above the engine's idle power.
  friend bool operator==(const Cost&, const Cost&) = default;
};

/// A group of layers that stays together; the steps between groups are where a model may change engines.
struct LayerGroup {
  std::string name;
  std::array<std::optional<Cost>, kEngineKinds> cost;  ///< By engine kind; empty: the engine cannot run it.
  double out_bytes = 0;                                ///< Handed to the next group.
};

struct ModelSpec {
  std::string name;
  std::vector<LayerGroup> layers;
  double memory_bytes = 0;  ///< DRAM while it is loaded: weights and working memory; 0: not stated.
};

struct Scenario;
/// DRAM of all models that streams use, with the one operating system beneath them.
double memory_in_use(const Scenario& scenario);

/// How frames choose among a step's mappings.
enum class Policy : uint8_t {
  kFixed,        ///< The first.
  kAlternate,    ///< In turn, frame by frame.
  kLeastLoaded,  ///< Where the frame would be done first, as queues stand.
  kOptimise,     ///< What a search finds before the run (optimiser.hpp).
};
std::string_view policy_name(Policy policy);

/// One mapping of a step: runs of layer groups on engines, in order.
struct Segment {
  size_t engine = 0;
  Cost cost;
  std::string name;
  double out_bytes = 0;
};
struct Mapping {
  std::string name;  ///< "dla0", "dla0+gpu".
  std::vector<Segment> segments;
};

/// One node of a stream's pipeline.
struct Step {
  std::string name;
  std::vector<size_t> after;    ///< Earlier steps of the same pipeline.
  size_t model = 0;             ///< Index into Scenario::models.
  std::vector<size_t> engines;  ///< Allowed, in order of preference.
  Policy policy = Policy::kFixed;
  std::vector<Mapping> mappings;  ///< What the policy chooses from.
};

struct Arrivals {
  enum class Kind : uint8_t {
    kPeriodic,    ///< Every `period`: a camera.
    kPoisson,     ///< At random, `rate` a second.
    kConcurrent,  ///< `concurrent` frames at any time: as fast as it goes.
    kTriggered,   ///< By finished frames of another stream.
  };
  Kind kind = Kind::kPeriodic;
  Time period = 0;
  double rate = 0;
  uint32_t concurrent = 1;
  size_t source = 0;       ///< Triggered: index of the stream.
  uint64_t every = 1;      ///< Triggered: each `every`-th frame of it...
  double probability = 1;  ///< ... with this probability.
};

enum class Drop : uint8_t { kNewest, kOldest };

struct StreamSpec {
  std::string name;
  Arrivals arrivals;
  Time start = 0;
  uint64_t frames = 0;     ///< 0: until the scenario's duration.
  int priority = 0;        ///< Higher first, at every engine.
  Time deadline = kNever;  ///< From arrival.
  uint64_t in_flight = 0;  ///< Frames at the same time; 0: no limit. One more is dropped.
  Drop drop = Drop::kNewest;
  std::vector<Step> pipeline;
};

/// What the search for a mapping is to reach.
enum class Objective : uint8_t { kLatency, kThroughput, kEnergy };
std::string_view objective_name(Objective objective);

/// Between engines: at least `min`, growing with the bytes handed over to `typical` at 1 MiB, never above
/// `max`.
struct Transition {
  double min_seconds = 0;
  double typical_seconds = 0;
  double max_seconds = 0;
  double seconds(double bytes) const;
};

struct Scenario {
  std::string name;
  const hw::DeviceProfile* device = nullptr;
  const hw::PowerMode* mode = nullptr;
  uint64_t seed = 1;
  Time duration = kNever;  ///< Arrivals end; frames under way are finished.
  Transition transition;
  double dram_bytes_per_second = 0;  ///< What all engines reach together.
  double dram_joules_per_byte = 0;
  double base_watts = 0;  ///< Of the module, always.
  Objective objective = Objective::kLatency;
  std::vector<EngineSpec> engines;
  std::vector<ModelSpec> models;
  std::vector<StreamSpec> streams;
};

/// Engines, transition, memory and power of a module, without streams.
Scenario scenario_for(const hw::DeviceProfile& device, const hw::PowerMode& mode);

/// The mapping of a model that takes for each layer group the first of `engines` that can run it.
/// kUnsupported names the group that none can.
Result<Mapping> map_first(const Scenario& scenario, const ModelSpec& model,
                          const std::vector<size_t>& engines);
/// The mapping with a given engine for each layer group.
Mapping map_groups(const Scenario& scenario, const ModelSpec& model,
                   const std::vector<size_t>& engine_of_group);

/// Fills Step::mappings of every step whose policy does not search. Call once the scenario is complete.
Status expand(Scenario& scenario);

}  // namespace medlar::sched
