// SPDX-License-Identifier: Apache-2.0
// Errors of the public API. Every function of the API that can fail throws a class derived from Exception,
// and no other exception leaves it: what a caller's own callback throws comes back as CallbackError.
#pragma once

#include "medlar/export.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace medlar {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,    ///< The request is malformed: name, shape, type, null pointer.
  kCorrupt,            ///< A file, engine or cache is broken or truncated.
  kUnsupported,        ///< Well-formed, but this build or device cannot do it.
  kNotFound,           ///< A named thing does not exist.
  kAlreadyExists,      ///< A named thing exists and must not.
  kOutOfRange,         ///< An index, address or size lies outside its object.
  kResourceExhausted,  ///< Memory, address space or slots ran out.
  kFault,              ///< The simulated hardware faulted.
  kTimeout,            ///< A deadline passed.
  kCancelled,          ///< The work was cancelled.
  kDeviceMismatch,     ///< Built for another device.
  kVersionMismatch,    ///< Written by an incompatible version.
  kIo,                 ///< The operating system refused.
  kInternal,           ///< A bug in Medlar.
  kCallback,           ///< A callback of the caller's threw.
  kBusy,               ///< Another thread is using the object.
};

/// Lower-case name, e.g. "device mismatch".
MEDLAR_API const char* errorName(ErrorCode code) noexcept;

/// What every error is. what() names the thing, the limit and the value.
class MEDLAR_API Exception : public std::runtime_error {
 public:
  Exception(ErrorCode code, const std::string& message);
  ~Exception() override;
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

#define MEDLAR_EXCEPTION(Name)                 \
  class MEDLAR_API Name : public Exception {   \
   public:                                     \
    explicit Name(const std::string& message); \
    ~Name() override;                          \
  }
MEDLAR_EXCEPTION(InvalidArgument);
MEDLAR_EXCEPTION(Corrupt);
MEDLAR_EXCEPTION(Unsupported);
MEDLAR_EXCEPTION(NotFound);
MEDLAR_EXCEPTION(AlreadyExists);
MEDLAR_EXCEPTION(OutOfRange);
MEDLAR_EXCEPTION(ResourceExhausted);
MEDLAR_EXCEPTION(DeviceFault);
MEDLAR_EXCEPTION(Timeout);
MEDLAR_EXCEPTION(Cancelled);
MEDLAR_EXCEPTION(DeviceMismatch);
MEDLAR_EXCEPTION(VersionMismatch);
MEDLAR_EXCEPTION(IoError);
MEDLAR_EXCEPTION(InternalError);
MEDLAR_EXCEPTION(CallbackError);
MEDLAR_EXCEPTION(Busy);
#undef MEDLAR_EXCEPTION

}  // namespace medlar
