// SPDX-License-Identifier: Apache-2.0
#include "api/public/errors.hpp"

#include <array>

namespace medlar {
namespace {

constexpr std::array kNames{"invalid argument",
                            "corrupt",
                            "unsupported",
                            "not found",
                            "already exists",
                            "out of range",
                            "resource exhausted",
                            "fault",
                            "timeout",
                            "cancelled",
                            "device mismatch",
                            "version mismatch",
                            "io",
                            "internal",
                            "callback",
                            "busy"};

}  // namespace

const char* errorName(ErrorCode code) noexcept {
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? kNames[index] : "unknown";
}

Exception::Exception(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
Exception::~Exception() = default;

#define MEDLAR_DEFINE(Name, Code)                                                 \
  Name::Name(const std::string& message) : Exception(ErrorCode::Code, message) {} \
  Name::~Name() = default
MEDLAR_DEFINE(InvalidArgument, kInvalidArgument);
MEDLAR_DEFINE(Corrupt, kCorrupt);
MEDLAR_DEFINE(Unsupported, kUnsupported);
MEDLAR_DEFINE(NotFound, kNotFound);
MEDLAR_DEFINE(AlreadyExists, kAlreadyExists);
MEDLAR_DEFINE(OutOfRange, kOutOfRange);
MEDLAR_DEFINE(ResourceExhausted, kResourceExhausted);
MEDLAR_DEFINE(DeviceFault, kFault);
MEDLAR_DEFINE(Timeout, kTimeout);
MEDLAR_DEFINE(Cancelled, kCancelled);
MEDLAR_DEFINE(DeviceMismatch, kDeviceMismatch);
MEDLAR_DEFINE(VersionMismatch, kVersionMismatch);
MEDLAR_DEFINE(IoError, kIo);
MEDLAR_DEFINE(InternalError, kInternal);
MEDLAR_DEFINE(CallbackError, kCallback);
MEDLAR_DEFINE(Busy, kBusy);
#undef MEDLAR_DEFINE

namespace door {

void raise(ErrorCode code, const std::string& message) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      throw InvalidArgument(message);
    case ErrorCode::kCorrupt:
      throw Corrupt(message);
    case ErrorCode::kUnsupported:
      throw Unsupported(message);
    case ErrorCode::kNotFound:
      throw NotFound(message);
    case ErrorCode::kAlreadyExists:
      throw AlreadyExists(message);
    case ErrorCode::kOutOfRange:
      throw OutOfRange(message);
    case ErrorCode::kResourceExhausted:
      throw ResourceExhausted(message);
    case ErrorCode::kFault:
      throw DeviceFault(message);
    case ErrorCode::kTimeout:
      throw Timeout(message);
    case ErrorCode::kCancelled:
      throw Cancelled(message);
    case ErrorCode::kDeviceMismatch:
      throw DeviceMismatch(message);
    case ErrorCode::kVersionMismatch:
      throw VersionMismatch(message);
    case ErrorCode::kIo:
      throw IoError(message);
    case ErrorCode::kCallback:
      throw CallbackError(message);
    case ErrorCode::kBusy:
      throw Busy(message);
    case ErrorCode::kInternal:
      break;
  }
  throw InternalError(message);
}

void raise(const Error& error) {
  // The first fourteen codes are those of src/base, in their order.
  static_assert(static_cast<int>(Code::kInternal) == static_cast<int>(ErrorCode::kInternal));
  static_assert(static_cast<int>(Code::kDeviceMismatch) == static_cast<int>(ErrorCode::kDeviceMismatch));
  raise(static_cast<ErrorCode>(error.code), error.message);
}

}  // namespace door
}  // namespace medlar
