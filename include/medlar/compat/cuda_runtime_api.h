// SPDX-License-Identifier: Apache-2.0
// As much of CUDA's runtime as programs for TensorRT use. Device memory is the simulated module's DRAM,
// mapped here; streams are its queues; times between events are modelled device time.
#pragma once

#include "medlar/compat/NvInferRuntimeBase.h"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInitializationError = 3,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorLaunchFailure = 719,
  cudaErrorNotSupported = 801,
  cudaErrorStreamCaptureInvalidated = 901,
  cudaErrorUnknown = 999
};
using cudaError = cudaError_t;

enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};

constexpr unsigned int cudaStreamDefault = 0, cudaStreamNonBlocking = 1;
constexpr unsigned int cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2;
constexpr unsigned int cudaHostAllocDefault = 0, cudaHostAllocPortable = 1, cudaHostAllocMapped = 2;
constexpr unsigned int cudaMemAttachGlobal = 1;

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major, minor, multiProcessorCount, integrated;
};

/// The handles are objects of this API: null means the default stream.
struct CUstream_st {
  medlar::Stream stream;
};
struct CUevent_st {
  medlar::Event event;
};

namespace medlar::compat {

/// What a process holds on the device. Thread-safe.
class Process {
 public:
  static Process& instance() {
    static Process process;
    return process;
  }
  Device device() { return Device::current(); }

  void* allocate(std::size_t bytes) {
    Buffer buffer = device().allocate(bytes);
    void* address = buffer.data();
    std::lock_guard const lock(mutex_);
    buffers_[address] = std::move(buffer);
    return address;
  }
  void free(void* address) {
    device().synchronize();  // as cudaFree does: nothing queued uses the memory afterwards
    std::lock_guard const lock(mutex_);
    if (buffers_.erase(address) == 0) {
      throw InvalidArgument("cudaFree: the address is not the start of an allocation, or is already freed");
    }
  }
  Stream stream(cudaStream_t handle) {
    std::lock_guard const lock(mutex_);
    if (handle != nullptr) {
      if (streams_.count(handle) == 0) {
        throw InvalidArgument("a stream that was never created, or is destroyed");
      }
      return streams_.at(handle)->stream;
    }
    if (!default_) {
      default_ = device().createStream();
    }
    return default_;
  }
  cudaStream_t create_stream() {
    auto made = std::make_unique<CUstream_st>(CUstream_st{device().createStream()});
    cudaStream_t handle = made.get();
    std::lock_guard const lock(mutex_);
    streams_[handle] = std::move(made);
    return handle;
  }
  void destroy_stream(cudaStream_t handle) {
    stream(handle).synchronize();
    std::lock_guard const lock(mutex_);
    streams_.erase(handle);
  }
  Event event(cudaEvent_t handle) {
    std::lock_guard const lock(mutex_);
    if (events_.count(handle) == 0) {
      throw InvalidArgument("an event that was never created, or is destroyed");
    }
    return events_.at(handle)->event;
  }
  cudaEvent_t create_event() {
    auto made = std::make_unique<CUevent_st>(CUevent_st{device().createEvent()});
    cudaEvent_t handle = made.get();
    std::lock_guard const lock(mutex_);
    events_[handle] = std::move(made);
    return handle;
  }
  void destroy_event(cudaEvent_t handle) {
    event(handle);
    std::lock_guard const lock(mutex_);
    events_.erase(handle);
  }

  cudaError_t last = cudaSuccess;

 private:
  std::mutex mutex_;
  std::map<void*, Buffer> buffers_;
  std::map<cudaStream_t, std::unique_ptr<CUstream_st>> streams_;
  std::map<cudaEvent_t, std::unique_ptr<CUevent_st>> events_;
  Stream default_;
};

inline cudaError_t error_of(Exception const& error) {
  switch (error.code()) {
    case ErrorCode::kResourceExhausted:
      return cudaErrorMemoryAllocation;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kOutOfRange:
      return cudaErrorInvalidValue;
    case ErrorCode::kBusy:
      return cudaErrorNotReady;
    case ErrorCode::kFault:
    case ErrorCode::kTimeout:
      return cudaErrorLaunchFailure;
    default:
      return cudaErrorUnknown;
  }
}

template <typename Action>
cudaError_t call(Action const& action) noexcept {
  try {
    action(Process::instance());
    return cudaSuccess;
  } catch (Exception const& error) {
    return Process::instance().last = error_of(error);
  } catch (...) {
    return Process::instance().last = cudaErrorUnknown;
  }
}

/// The side of a copy that lies on the device has to lie inside an allocation.
inline void check_copy(Process& process, void const* to, void const* from, std::size_t bytes,
                       cudaMemcpyKind kind) {
  if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) {
    process.device().checkRange(to, bytes);
  }
  if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice) {
    process.device().checkRange(from, bytes);
  }
}

}  // namespace medlar::compat

inline cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  return medlar::compat::call(
      [&](auto& p) { nvinfer1::compat::deref(address, "cudaMalloc") = p.allocate(bytes); });
}
template <typename T>
cudaError_t cudaMalloc(T** address, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(address), bytes);
}
template <typename T>
cudaError_t cudaMallocHost(T** address, std::size_t bytes, unsigned int = 0) {
  return cudaMalloc(reinterpret_cast<void**>(address), bytes);
}
template <typename T>
cudaError_t cudaHostAlloc(T** address, std::size_t bytes, unsigned int) {
  return cudaMalloc(reinterpret_cast<void**>(address), bytes);
}
template <typename T>
cudaError_t cudaMallocManaged(T** address, std::size_t bytes, unsigned int = cudaMemAttachGlobal) {
  return cudaMalloc(reinterpret_cast<void**>(address), bytes);
}
template <typename T>
cudaError_t cudaMallocAsync(T** address, std::size_t bytes, cudaStream_t) {
  return cudaMalloc(reinterpret_cast<void**>(address), bytes);
}
inline cudaError_t cudaFree(void* address) {
  return address == nullptr ? cudaSuccess : medlar::compat::call([&](auto& p) { p.free(address); });
}
inline cudaError_t cudaFreeHost(void* address) {
  return cudaFree(address);
}
inline cudaError_t cudaFreeAsync(void* address, cudaStream_t) {
  return cudaFree(address);
}

inline cudaError_t cudaMemcpyAsync(void* to, void const* from, std::size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t stream = nullptr) {
  return medlar::compat::call([&](auto& p) {
    medlar::compat::check_copy(p, to, from, bytes, kind);
    p.stream(stream).copy(to, from, bytes);
  });
}
inline cudaError_t cudaMemcpy(void* to, void const* from, std::size_t bytes, cudaMemcpyKind kind) {
  return medlar::compat::call([&](auto& p) {
    medlar::compat::check_copy(p, to, from, bytes, kind);
    p.stream(nullptr).copy(to, from, bytes);
    p.stream(nullptr).synchronize();
  });
}
inline cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream = nullptr) {
  return medlar::compat::call([&](auto& p) {
    p.device().checkRange(to, bytes);
    p.stream(stream).fill(to, value, bytes);
  });
}
inline cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  cudaError_t const queued = cudaMemsetAsync(to, value, bytes);
  return queued != cudaSuccess ? queued
                               : medlar::compat::call([](auto& p) { p.stream(nullptr).synchronize(); });
}

inline cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return medlar::compat::call(
      [&](auto& p) { nvinfer1::compat::deref(stream, "cudaStreamCreate") = p.create_stream(); });
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  return cudaStreamCreate(stream);
}
inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int, int) {
  return cudaStreamCreate(stream);
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return medlar::compat::call([&](auto& p) { p.destroy_stream(stream); });
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return medlar::compat::call([&](auto& p) { p.stream(stream).synchronize(); });
}
inline cudaError_t cudaStreamQuery(cudaStream_t stream) {
  bool done = false;
  cudaError_t const asked = medlar::compat::call([&](auto& p) { done = p.stream(stream).done(); });
  return asked != cudaSuccess ? asked : (done ? cudaSuccess : cudaErrorNotReady);
}
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int = 0) {
  return medlar::compat::call([&](auto& p) { p.stream(stream).wait(p.event(event)); });
}
inline cudaError_t cudaLaunchHostFunc(cudaStream_t stream, void (*function)(void*), void* data) {
  return medlar::compat::call([&](auto& p) { p.stream(stream).host([function, data] { function(data); }); });
}

inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return medlar::compat::call(
      [&](auto& p) { nvinfer1::compat::deref(event, "cudaEventCreate") = p.create_event(); });
}
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  return cudaEventCreate(event);
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return medlar::compat::call([&](auto& p) { p.destroy_event(event); });
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr) {
  return medlar::compat::call([&](auto& p) { p.event(event).record(p.stream(stream)); });
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return medlar::compat::call([&](auto& p) { p.event(event).synchronize(); });
}
inline cudaError_t cudaEventQuery(cudaEvent_t event) {
  bool done = false;
  cudaError_t const asked = medlar::compat::call([&](auto& p) { done = p.event(event).done(); });
  return asked != cudaSuccess ? asked : (done ? cudaSuccess : cudaErrorNotReady);
}
/// Milliseconds of modelled device time.
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return medlar::compat::call([&](auto& p) {
    nvinfer1::compat::deref(milliseconds, "cudaEventElapsedTime") =
        static_cast<float>(p.event(end).modelledMsSince(p.event(start)));
  });
}

inline cudaError_t cudaGetDeviceCount(int* count) {
  return medlar::compat::call([&](auto&) { nvinfer1::compat::deref(count, "cudaGetDeviceCount") = 1; });
}
inline cudaError_t cudaGetDevice(int* device) {
  return medlar::compat::call([&](auto&) { nvinfer1::compat::deref(device, "cudaGetDevice") = 0; });
}
inline cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
inline cudaError_t cudaSetDeviceFlags(unsigned int) {
  return cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() {
  return medlar::compat::call([](auto& p) { p.device().synchronize(); });
}
inline cudaError_t cudaDeviceReset() {
  return cudaDeviceSynchronize();
}
inline cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return medlar::compat::call([&](auto& p) {
    auto const memory = p.device().memory();
    nvinfer1::compat::deref(free, "cudaMemGetInfo") = memory.totalBytes - memory.allocatedBytes;
    nvinfer1::compat::deref(total, "cudaMemGetInfo") = memory.totalBytes;
  });
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return device != 0 ? cudaErrorInvalidDevice : medlar::compat::call([&](auto& p) {
    auto& out = nvinfer1::compat::deref(properties, "cudaGetDeviceProperties");
    out = {};
    std::string const name = "Medlar " + p.device().name();
    std::strncpy(out.name, name.c_str(), sizeof(out.name) - 1);
    out.totalGlobalMem = p.device().memory().totalBytes;
    out.major = 8, out.minor = 7, out.integrated = 1;
  });
}
inline cudaError_t cudaGetLastError() {
  return std::exchange(medlar::compat::Process::instance().last, cudaSuccess);
}
inline cudaError_t cudaPeekAtLastError() {
  return medlar::compat::Process::instance().last;
}
inline char const* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInitializationError:
      return "cudaErrorInitializationError";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorNotSupported:
      return "cudaErrorNotSupported";
    default:
      return "cudaErrorUnknown";
  }
}
inline char const* cudaGetErrorString(cudaError_t error) {
  return cudaGetErrorName(error);
}
inline cudaError_t cudaRuntimeGetVersion(int* version) {
  return medlar::compat::call(
      [&](auto&) { nvinfer1::compat::deref(version, "cudaRuntimeGetVersion") = 12060; });
}
inline cudaError_t cudaDriverGetVersion(int* version) {
  return cudaRuntimeGetVersion(version);
}

/// The module stands for an Orin: compute capability 8.7.
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrIntegrated = 18,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76
};
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  if (cudaError_t const error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess) {
    return error;
  }
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrIntegrated:
      *value = properties.integrated;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

#include "medlar/compat/cuda_refused.h"
