// SPDX-License-Identifier: Apache-2.0
// Names of TensorRT's that programs and their helper classes mention, and that mean little or nothing on a
// simulated device: settings of builds that time kernels, callbacks for errors and streams, the counts of
// enumerations.
#pragma once

#include "medlar/compat/NvInferHooks.h"
#include "medlar/compat/NvInferNetworkTypes.h"
#include "medlar/compat/NvInferRuntimeBase.h"

#include <algorithm>

namespace nvinfer1 {

enum class WeightsRole : int32_t { kKERNEL, kBIAS, kSHIFT, kSCALE, kCONSTANT, kANY };
enum class TacticSource : int32_t { kCUBLAS, kCUBLAS_LT, kCUDNN, kEDGE_MASK_CONVOLUTIONS, kJIT_CONVOLUTIONS };
using TacticSources = uint32_t;
enum class EngineStat : int32_t { kTOTAL_WEIGHTS_SIZE, kSTRIPPED_WEIGHTS_SIZE };
enum class SerializationFlag : int32_t { kEXCLUDE_WEIGHTS, kEXCLUDE_LEAN_RUNTIME, kINCLUDE_REFIT };
using SerializationFlags = uint32_t;
enum class TempfileControlFlag : int32_t { kALLOW_IN_MEMORY_FILES, kALLOW_TEMPORARY_FILES };
using TempfileControlFlags = uint32_t;
enum class HardwareCompatibilityLevel : int32_t { kNONE, kAMPERE_PLUS, kSAME_COMPUTE_CAPABILITY };
enum class RuntimePlatform : int32_t { kSAME_AS_BUILD, kWINDOWS_AMD64 };
enum class TilingOptimizationLevel : int32_t { kNONE, kFAST, kMODERATE, kFULL };
enum class PreviewFeature : int32_t {
  kFASTER_DYNAMIC_SHAPES_0805,
  kDISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805,
  kPROFILE_SHARING_0806
};
enum class QuantizationFlag : int32_t { kCALIBRATE_BEFORE_FUSION };
using QuantizationFlags = uint32_t;
enum class SeekPosition : int32_t { kSET, kCUR, kEND };

/// How many values an enumeration of TensorRT's has.
template <typename T>
constexpr int32_t EnumMax() noexcept;
template <>
constexpr int32_t EnumMax<WeightsRole>() noexcept {
  return 6;
}
template <>
constexpr int32_t EnumMax<TempfileControlFlag>() noexcept {
  return 2;
}
template <>
constexpr int32_t EnumMax<TacticSource>() noexcept {
  return 5;
}
template <>
constexpr int32_t EnumMax<DataType>() noexcept {
  return 12;
}
template <>
constexpr int32_t EnumMax<DeviceType>() noexcept {
  return 2;
}
template <>
constexpr int32_t EnumMax<TensorFormat>() noexcept {
  return 13;
}
template <>
constexpr int32_t EnumMax<ErrorCode>() noexcept {
  return 11;
}
template <>
constexpr int32_t EnumMax<LayerType>() noexcept {
  return 51;
}
template <>
constexpr int32_t EnumMax<ILogger::Severity>() noexcept {
  return 5;
}

/// Engines are not refitted: createInferRefitter logs so and returns null.
class IRefitter {
 public:
  virtual ~IRefitter() noexcept = default;
};

/// Hears of a build's phases; stepComplete returns false to stop it.
class IProgressMonitor : public IVersionedInterface {
 public:
  virtual void phaseStart(char const* phase, char const* parent, int32_t steps) noexcept = 0;
  virtual bool stepComplete(char const* phase, int32_t step) noexcept = 0;
  virtual void phaseFinish(char const* phase) noexcept = 0;
};

/// Gives an engine's bytes piece by piece; returns how many it gave, 0 at the end, a negative number when it
/// failed.
class IStreamReader : public IVersionedInterface {
 public:
  virtual int64_t read(void* destination, int64_t bytes) = 0;
};
class IStreamReaderV2 : public IVersionedInterface {
 public:
  virtual int64_t read(void* destination, int64_t bytes, cudaStream_t stream) noexcept = 0;
  virtual bool seek(int64_t offset, SeekPosition where) noexcept = 0;
};
/// Takes an engine's bytes piece by piece; returns how many it took.
class IStreamWriter : public IVersionedInterface {
 public:
  virtual int64_t write(void const* data, int64_t bytes) = 0;
};

namespace compat {

constexpr int64_t kPiece = int64_t{1} << 20;

/// All that a reader gives. `read`: (void*, int64_t) -> int64_t.
template <typename Read>
std::vector<std::byte> readAll(Read const& read) {
  std::vector<std::byte> all;
  std::vector<std::byte> piece(kPiece);
  while (true) {
    int64_t const got = read(piece.data(), kPiece);
    if (got < 0 || got > kPiece) {
      throw medlar::IoError("a stream reader returned " + std::to_string(got) + " for " +
                            std::to_string(kPiece) + " bytes");
    }
    if (got == 0) {
      return all;
    }
    all.insert(all.end(), piece.begin(), piece.begin() + got);
  }
}

inline void writeAll(IStreamWriter& writer, std::vector<std::byte> const& data) {
  for (std::size_t at = 0; at < data.size(); at += kPiece) {
    auto const size = static_cast<int64_t>(std::min<std::size_t>(kPiece, data.size() - at));
    if (int64_t const took = writer.write(data.data() + at, size); took != size) {
      throw medlar::IoError("a stream writer took " + std::to_string(took) + " of " + std::to_string(size) +
                            " bytes");
    }
  }
}

}  // namespace compat
}  // namespace nvinfer1
