// SPDX-License-Identifier: Apache-2.0
// TensorRT's plain types under their own names.
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

enum class DataType : int32_t {
  kFLOAT,
  kHALF,
  kINT8,
  kINT32,
  kBOOL,
  kUINT8,
  kFP8,
  kBF16,
  kINT64,
  kINT4,
  kFP4,
  kE8M0
};
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

}  // namespace nvinfer1
