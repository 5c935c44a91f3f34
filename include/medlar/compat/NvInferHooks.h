// SPDX-License-Identifier: Apache-2.0
// Objects of a program's that the library calls: error recorders and allocators.
#pragma once

#include "medlar/compat/NvInferTypes.h"

namespace nvinfer1 {

enum class APILanguage : int32_t { kCPP, kPYTHON };
struct InterfaceInfo {
  AsciiChar const* kind;
  int32_t major;
  int32_t minor;
};
class IVersionedInterface {
 public:
  virtual ~IVersionedInterface() noexcept = default;
  virtual APILanguage getAPILanguage() const noexcept { return APILanguage::kCPP; }
  virtual InterfaceInfo getInterfaceInfo() const noexcept { return {"", 1, 0}; }
};

/// Hears of every call that fails, beside the logger. Objects start with the recorder of the one that makes
/// them; each holds a count of it.
class IErrorRecorder : public IVersionedInterface {
 public:
  using ErrorDesc = char const*;
  using RefCount = int32_t;
  static constexpr std::size_t kMAX_DESC_LENGTH{127U};
  virtual int32_t getNbErrors() const noexcept = 0;
  virtual ErrorCode getErrorCode(int32_t index) const noexcept = 0;
  virtual ErrorDesc getErrorDesc(int32_t index) const noexcept = 0;
  virtual bool hasOverflowed() const noexcept = 0;
  virtual void clear() noexcept = 0;
  virtual bool reportError(ErrorCode code, ErrorDesc text) noexcept = 0;
  virtual RefCount incRefCount() noexcept = 0;
  virtual RefCount decRefCount() noexcept = 0;
};

enum class AllocatorFlag : int32_t { kRESIZABLE = 0 };
using AllocatorFlags = uint32_t;

/// Asked for the memory of every execution context, of ICudaEngine::getDeviceMemorySize() bytes, which it
/// gets back when the context goes. The driver computes in memory of its own.
class IGpuAllocator : public IVersionedInterface {
 public:
  virtual void* allocate(uint64_t size, uint64_t alignment, AllocatorFlags flags) noexcept = 0;
  virtual void* reallocate(void*, uint64_t, uint64_t) noexcept { return nullptr; }
  /// TensorRT 8's name; later programs define deallocate().
  virtual void free(void*) noexcept {}
  virtual bool deallocate(void* memory) noexcept {
    this->free(memory);
    return true;
  }
  virtual void* allocateAsync(uint64_t size, uint64_t alignment, AllocatorFlags flags,
                              cudaStream_t) noexcept {
    return allocate(size, alignment, flags);
  }
  virtual bool deallocateAsync(void* memory, cudaStream_t) noexcept { return deallocate(memory); }
};
class IGpuAsyncAllocator : public IGpuAllocator {
 public:
  void* allocate(uint64_t size, uint64_t alignment, AllocatorFlags flags) noexcept override {
    return allocateAsync(size, alignment, flags, nullptr);
  }
  bool deallocate(void* memory) noexcept override { return deallocateAsync(memory, nullptr); }
  void* allocateAsync(uint64_t size, uint64_t alignment, AllocatorFlags flags,
                      cudaStream_t stream) noexcept override = 0;
  bool deallocateAsync(void* memory, cudaStream_t stream) noexcept override = 0;
};

}  // namespace nvinfer1
