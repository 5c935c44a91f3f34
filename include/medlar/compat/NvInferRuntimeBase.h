// SPDX-License-Identifier: Apache-2.0
// How the classes under TensorRT's names reach those of include/medlar. As in TensorRT, functions do not
// throw: they log an ERROR line, tell the error recorder and return false or a null pointer. Only what a
// callback of the caller's throws is dropped to the log in the same way.
#pragma once

#include "medlar/compat/NvInferHooks.h"
#include "medlar/compat/NvInferTypes.h"

namespace nvinfer1 {

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
  ~LoggerBridge() override { record(nullptr); }
  LoggerBridge(LoggerBridge const&) = delete;
  LoggerBridge& operator=(LoggerBridge const&) = delete;
  void log(medlar::LogLevel level, std::string_view message) override {
    target_.log(static_cast<ILogger::Severity>(level), std::string(message).c_str());
  }
  ILogger& target() { return target_; }

  /// To the log, and to the error recorder.
  void fail(medlar::LogLevel level, ErrorCode code, std::string const& message) noexcept {
    log(level, message);
    if (recorder_ != nullptr) {
      recorder_->reportError(code, message.c_str());
    }
  }
  void record(IErrorRecorder* recorder) noexcept {
    if (recorder != nullptr) {
      recorder->incRefCount();
    }
    if (recorder_ != nullptr) {
      recorder_->decRefCount();
    }
    recorder_ = recorder;
  }
  IErrorRecorder* recorder() const noexcept { return recorder_; }
  /// For an object that this one's owner makes: the same logger, and a recorder of its own to set.
  std::shared_ptr<LoggerBridge> fork() const {
    auto made = std::make_shared<LoggerBridge>(target_);
    made->record(recorder_);
    return made;
  }

 private:
  ILogger& target_;
  IErrorRecorder* recorder_ = nullptr;
};
using SharedLogger = std::shared_ptr<LoggerBridge>;

inline ErrorCode code_of(medlar::ErrorCode code) noexcept {
  switch (code) {
    case medlar::ErrorCode::kInvalidArgument:
    case medlar::ErrorCode::kOutOfRange:
    case medlar::ErrorCode::kNotFound:
    case medlar::ErrorCode::kAlreadyExists:
      return ErrorCode::kINVALID_ARGUMENT;
    case medlar::ErrorCode::kUnsupported:
      return ErrorCode::kUNSUPPORTED_STATE;
    case medlar::ErrorCode::kResourceExhausted:
      return ErrorCode::kFAILED_ALLOCATION;
    case medlar::ErrorCode::kCorrupt:
    case medlar::ErrorCode::kDeviceMismatch:
    case medlar::ErrorCode::kVersionMismatch:
      return ErrorCode::kFAILED_INITIALIZATION;
    case medlar::ErrorCode::kFault:
    case medlar::ErrorCode::kTimeout:
    case medlar::ErrorCode::kCancelled:
      return ErrorCode::kFAILED_EXECUTION;
    case medlar::ErrorCode::kBusy:
      return ErrorCode::kINVALID_STATE;
    default:
      return ErrorCode::kINTERNAL_ERROR;
  }
}

/// TensorRT's manner of failing.
template <typename Result, typename Action>
Result attempt(LoggerBridge& logger, Result failed, Action const& action) noexcept {
  try {
    return action();
  } catch (medlar::Exception const& error) {
    logger.fail(medlar::LogLevel::kError, code_of(error.code()),
                std::string(medlar::errorName(error.code())) + ": " + error.what());
  } catch (std::exception const& error) {
    logger.fail(medlar::LogLevel::kInternalError, ErrorCode::kINTERNAL_ERROR, error.what());
  } catch (...) {
    logger.fail(medlar::LogLevel::kInternalError, ErrorCode::kINTERNAL_ERROR,
                "an exception that is no std::exception");
  }
  return failed;
}
/// A setting that is there for the sake of programs.
inline void no_effect(LoggerBridge& logger, char const* what, char const* why) noexcept {
  logger.log(medlar::LogLevel::kInfo, std::string(what) + " has no effect: " + why);
}
template <typename Action>
bool attempt_void(LoggerBridge& logger, Action const& action) noexcept {
  return attempt(logger, false, [&] {
    action();
    return true;
  });
}

/// An object with an error recorder of its own.
class Recording {
 public:
  explicit Recording(SharedLogger logger) : logger_(std::move(logger)) {}
  void setErrorRecorder(IErrorRecorder* recorder) noexcept { logger_->record(recorder); }
  IErrorRecorder* getErrorRecorder() const noexcept { return logger_->recorder(); }

 protected:
  SharedLogger logger_;
};

}  // namespace compat
}  // namespace nvinfer1
