// SPDX-License-Identifier: Apache-2.0
#include "other_flags.hpp"

#include <algorithm>

namespace medlar::trtexec {
namespace {

constexpr std::string_view kNoTactics = "there are no tactics to choose from";
constexpr std::string_view kNothingTimed = "nothing is timed while building: the same model gives the same engine";
constexpr std::string_view kHostOnly = "it would only change host times";
constexpr std::string_view kOneBuild = "an engine runs on the version and device that it was built for";
constexpr std::string_view kNoRefit = "engines are not refittable";
constexpr std::string_view kNoPlugins = "the DLA runs no plugins, and ONNX Runtime takes none from here";
constexpr std::string_view kNoFormat = "this model format is not read: use --onnx";
constexpr std::string_view kBatch = "the batch is a dimension of the shape: use --shapes";
constexpr std::string_view kPrecisions = "the DLA computes INT8 and FP16";
constexpr std::string_view kWeights = "engines carry their weights";

constexpr OtherFlag kWithoutEffect[] = {
    {"--explicitBatch", "batches are always explicit"},
    {"--workspace", "no GPU tactics, no workspace"},
    {"--timingCacheFile", kNothingTimed},
    {"--errorOnTimingCacheMiss", kNothingTimed},
    {"--noBuilderCache", kNothingTimed},
    {"--minTiming", kNothingTimed},
    {"--avgTiming", kNothingTimed},
    {"--heuristic", kNoTactics},
    {"--tacticSources", kNoTactics},
    {"--previewFeatures", kNoTactics},
    {"--builderOptimizationLevel", "the compiler has one level"},
    {"--maxAuxStreams", "a segment runs on one stream"},
    {"--sparsity", "the DLA has no structured sparsity: zeros are multiplied like other weights"},
    {"--adjustForDLA", "the compiler adjusts the graph in any case"},
    {"--directIO", "formats that were asked for are never converted"},
    {"--exposeDMA", "transfers and inference are not overlapped, so there is nothing to serialise"},
    {"--useManagedMemory", "buffers are shared pages of the module already"},
    {"--useSpinWait", kHostOnly},
    {"--useCudaGraph", "the module's GPU is modelled, no CUDA graph is captured"},
    {"--nvtxVerbosity", kHostOnly},
    {"--nvtxMode", kHostOnly},
    {"--tempdir", "no temporary files are made"},
    {"--tempfileControls", "no temporary files are made"},
};

constexpr OtherFlag kRefused[] = {
    {"--layerOutputTypes", "outputs keep the model's types"},
    {"--safe", "there is no safety runtime"},
    {"--consistency", "there is no safety runtime"},
    {"--uint8AsymmetricQuantizationDLA", "the open DLA's arithmetic is symmetric INT8"},
    {"--timeRefit", kNoRefit},
    {"--dumpRefit", kNoRefit},
    {"--refit", kNoRefit},
    {"--plugins", kNoPlugins},
    {"--staticPlugins", kNoPlugins},
    {"--dynamicPlugins", kNoPlugins},
    {"--setPluginsToSerialize", kNoPlugins},
    {"--batch", kBatch},
    {"--maxBatch", kBatch},
    {"--deploy", kNoFormat},
    {"--model", kNoFormat},
    {"--uff", kNoFormat},
    {"--fp8", kPrecisions},
    {"--bf16", kPrecisions},
    {"--int4", kPrecisions},
    {"--stronglyTyped", "give the precision with --fp16 or --int8"},
    {"--versionCompatible", kOneBuild},
    {"--hardwareCompatibilityLevel", kOneBuild},
    {"--weightless", kWeights},
    {"--stripWeights", kWeights},
    {"--allowWeightStreaming", kWeights},
    {"--weightStreamingBudget", kWeights},
};

}  // namespace

std::span<const OtherFlag> flags_without_effect() { return kWithoutEffect; }
std::span<const OtherFlag> refused_flags() { return kRefused; }

const OtherFlag* find_flag(std::span<const OtherFlag> flags, std::string_view name) {
  const auto at = std::find_if(flags.begin(), flags.end(), [&](const OtherFlag& flag) { return flag.name == name; });
  return at == flags.end() ? nullptr : &*at;
}

}  // namespace medlar::trtexec
