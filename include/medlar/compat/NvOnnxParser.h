// SPDX-License-Identifier: Apache-2.0
// TensorRT's ONNX parser under its own names.
#pragma once

#include "medlar/compat/NvInfer.h"

#define NV_ONNX_PARSER_MAJOR 0
#define NV_ONNX_PARSER_MINOR 1
#define NV_ONNX_PARSER_PATCH 0
#define NV_ONNX_PARSER_VERSION 1

namespace nvonnxparser {

enum class ErrorCode : int {
  kSUCCESS,
  kINTERNAL_ERROR,
  kMEM_ALLOC_FAILED,
  kMODEL_DESERIALIZE_FAILED,
  kINVALID_VALUE,
  kINVALID_GRAPH,
  kINVALID_NODE,
  kUNSUPPORTED_GRAPH,
  kUNSUPPORTED_NODE
};

class IParserError {
 public:
  explicit IParserError(medlar::ParserError error) : error_(std::move(error)) {}
  virtual ~IParserError() = default;
  ErrorCode code() const {
    return error_.code == medlar::ErrorCode::kUnsupported ? ErrorCode::kUNSUPPORTED_NODE
                                                          : ErrorCode::kMODEL_DESERIALIZE_FAILED;
  }
  char const* desc() const { return error_.message.c_str(); }
  char const* file() const { return ""; }
  int line() const { return 0; }
  char const* func() const { return ""; }
  int node() const { return -1; }

 private:
  medlar::ParserError error_;
};

class IParser {
 public:
  IParser(nvinfer1::INetworkDefinition& network, nvinfer1::compat::SharedLogger logger)
      : logger_(std::move(logger)), parser_(network.medlarNetwork(), *logger_) {}
  virtual ~IParser() noexcept = default;

  bool parse(void const* model, std::size_t size, char const* path = nullptr) noexcept {
    return run([&] {
      return parser_.parse({static_cast<std::byte const*>(model), size}, path == nullptr ? "" : path);
    });
  }
  bool parseFromFile(char const* path, int /*verbosity*/) noexcept {
    return run([&] { return parser_.parseFromFile(&nvinfer1::compat::deref(path, "a path")); });
  }
  bool supportsOperator(char const* name) const noexcept {
    return name != nullptr && medlar::OnnxParser::supportsOperator(name);
  }
  int getNbErrors() const noexcept { return static_cast<int>(errors_.size()); }
  IParserError const* getError(int index) const noexcept {
    return index < 0 || index >= getNbErrors() ? nullptr : errors_[static_cast<std::size_t>(index)].get();
  }
  void clearErrors() noexcept {
    errors_.clear();
    parser_.clearErrors();
  }
  void destroy() noexcept { delete this; }

 private:
  template <typename Action>
  bool run(Action const& action) noexcept {
    bool const parsed = nvinfer1::compat::attempt(*logger_, false, action);
    nvinfer1::compat::attempt_void(*logger_, [&] {
      for (std::size_t i = errors_.size(); i < parser_.errors().size(); ++i) {
        errors_.push_back(std::make_unique<IParserError>(parser_.errors()[i]));
      }
    });
    return parsed;
  }

  nvinfer1::compat::SharedLogger logger_;
  medlar::OnnxParser parser_;
  std::vector<std::unique_ptr<IParserError>> errors_;
};

inline IParser* createParser(nvinfer1::INetworkDefinition& network, nvinfer1::ILogger& logger) noexcept {
  auto const bridge = std::make_shared<nvinfer1::compat::LoggerBridge>(logger);
  return nvinfer1::compat::attempt<IParser*>(*bridge, nullptr, [&] { return new IParser(network, bridge); });
}

}  // namespace nvonnxparser

inline int getNvOnnxParserVersion() {
  return NV_ONNX_PARSER_VERSION;
}
