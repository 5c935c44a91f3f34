// SPDX-License-Identifier: Apache-2.0
// TensorRT's plain types under their own names. As in TensorRT, functions do not throw: they log an ERROR
// line and return false or a null pointer. Only what a callback of the caller's throws is dropped to the log
// in the same way.
#pragma once

#include "medlar/medlar.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <utility>

// Names of TensorRT 8.6 and 10 are all there; the number decides what Dims holds, and what programs see.
#ifndef NV_TENSORRT_MAJOR
#define NV_TENSORRT_MAJOR 8
#define NV_TENSORRT_MINOR 6
#define NV_TENSORRT_PATCH 1
#define NV_TENSORRT_BUILD 6
#endif
#ifndef NV_TENSORRT_MINOR
#define NV_TENSORRT_MINOR 0
#define NV_TENSORRT_PATCH 0
#define NV_TENSORRT_BUILD 0
#endif
#define NV_TENSORRT_VERSION (NV_TENSORRT_MAJOR * 1000 + NV_TENSORRT_MINOR * 100 + NV_TENSORRT_PATCH)
#define TRT_DEPRECATED
#define TRT_DEPRECATED_ENUM
#define TENSORRTAPI

struct CUstream_st;
struct CUevent_st;
using cudaStream_t = CUstream_st*;
using cudaEvent_t = CUevent_st*;

namespace nvinfer1 {

using AsciiChar = char;
using char_t = char;

enum class DataType : int32_t { kFLOAT, kHALF, kINT8, kINT32, kBOOL, kUINT8, kFP8, kBF16, kINT64, kINT4 };
enum class DeviceType : int32_t { kGPU, kDLA };
enum class TensorFormat : int32_t {
  kLINEAR,
  kCHW2,
  kHWC8,
  kCHW4,
  kCHW16,
  kCHW32,
  kDHWC8,
  kCDHW32,
  kHWC,
  kDLA_LINEAR,
  kDLA_HWC4,
  kHWC16,
  kDHWC
};
using TensorFormats = uint32_t;
enum class TensorLocation : int32_t { kDEVICE, kHOST };
enum class TensorIOMode : int32_t { kNONE, kINPUT, kOUTPUT };
enum class ErrorCode : int32_t {
  kSUCCESS,
  kUNSPECIFIED_ERROR,
  kINTERNAL_ERROR,
  kINVALID_ARGUMENT,
  kINVALID_CONFIG,
  kFAILED_ALLOCATION,
  kFAILED_INITIALIZATION,
  kFAILED_EXECUTION,
  kFAILED_COMPUTATION,
  kINVALID_STATE,
  kUNSUPPORTED_STATE
};

#if NV_TENSORRT_MAJOR >= 10
using DimsInteger = int64_t;
#else
using DimsInteger = int32_t;
#endif

class Dims {
 public:
  static constexpr int32_t MAX_DIMS{8};
  int32_t nbDims = 0;
  DimsInteger d[MAX_DIMS] = {};
};

class Dims2 : public Dims {
 public:
  Dims2() : Dims2(0, 0) {}
  Dims2(DimsInteger a, DimsInteger b) { nbDims = 2, d[0] = a, d[1] = b; }
};
class DimsHW : public Dims2 {
 public:
  DimsHW() = default;
  DimsHW(DimsInteger height, DimsInteger width) : Dims2(height, width) {}
  DimsInteger& h() { return d[0]; }
  DimsInteger h() const { return d[0]; }
  DimsInteger& w() { return d[1]; }
  DimsInteger w() const { return d[1]; }
};
class Dims3 : public Dims {
 public:
  Dims3() : Dims3(0, 0, 0) {}
  Dims3(DimsInteger a, DimsInteger b, DimsInteger c) { nbDims = 3, d[0] = a, d[1] = b, d[2] = c; }
};
class Dims4 : public Dims {
 public:
  Dims4() : Dims4(0, 0, 0, 0) {}
  Dims4(DimsInteger a, DimsInteger b, DimsInteger c, DimsInteger e) {
    nbDims = 4, d[0] = a, d[1] = b, d[2] = c, d[3] = e;
  }
};

class Weights {
 public:
  DataType type = DataType::kFLOAT;
  void const* values = nullptr;
  int64_t count = 0;
};

struct Permutation {
  int32_t order[Dims::MAX_DIMS];
};

class ILogger {
 public:
  enum class Severity : int32_t { kINTERNAL_ERROR, kERROR, kWARNING, kINFO, kVERBOSE };
  virtual void log(Severity severity, AsciiChar const* msg) noexcept = 0;
  ILogger() = default;
  virtual ~ILogger() = default;
};

class IHostMemory {
 public:
  explicit IHostMemory(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  virtual ~IHostMemory() noexcept = default;
  void* data() const noexcept { return const_cast<std::byte*>(bytes_.data()); }
  std::size_t size() const noexcept { return bytes_.size(); }
  DataType type() const noexcept { return DataType::kINT8; }
  void destroy() noexcept { delete this; }

 private:
  std::vector<std::byte> bytes_;
};

namespace compat {

inline medlar::Dims dims(Dims const& from) {
  if (from.nbDims < 0 || from.nbDims > Dims::MAX_DIMS) {
    throw medlar::InvalidArgument("Dims with nbDims " + std::to_string(from.nbDims));
  }
  return medlar::Dims(from.d, from.d + from.nbDims);
}
inline Dims dims(medlar::Dims const& from) {
  Dims to;
  if (from.size() > Dims::MAX_DIMS) {
    throw medlar::Unsupported("a tensor of " + std::to_string(from.size()) + " dimensions");
  }
  to.nbDims = static_cast<int32_t>(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    to.d[i] = static_cast<DimsInteger>(from[i]);
  }
  return to;
}
inline medlar::Weights weights(Weights const& from) {
  return {static_cast<medlar::DataType>(from.type), from.values, from.count};
}
template <typename T>
T& deref(T* pointer, char const* what) {
  if (pointer == nullptr) {
    throw medlar::InvalidArgument(std::string("a null pointer for ") + what);
  }
  return *pointer;
}
template <typename T>
T& deref(T& reference, char const*) {
  return reference;
}

/// Messages of the library to a program's logger.
class LoggerBridge final : public medlar::Logger {
 public:
  explicit LoggerBridge(ILogger& target) : target_(target) {}
  void log(medlar::LogLevel level, std::string_view message) override {
    target_.log(static_cast<ILogger::Severity>(level), std::string(message).c_str());
  }
  ILogger& target() { return target_; }

 private:
  ILogger& target_;
};
using SharedLogger = std::shared_ptr<LoggerBridge>;

/// TensorRT's manner of failing.
template <typename Result, typename Action>
Result attempt(LoggerBridge& logger, Result failed, Action const& action) noexcept {
  try {
    return action();
  } catch (medlar::Exception const& error) {
    logger.log(medlar::LogLevel::kError, std::string(medlar::errorName(error.code())) + ": " + error.what());
  } catch (std::exception const& error) {
    logger.log(medlar::LogLevel::kInternalError, error.what());
  } catch (...) {
    logger.log(medlar::LogLevel::kInternalError, "an exception that is no std::exception");
  }
  return failed;
}
template <typename Action>
bool attempt_void(LoggerBridge& logger, Action const& action) noexcept {
  return attempt(logger, false, [&] {
    action();
    return true;
  });
}

}  // namespace compat
}  // namespace nvinfer1
