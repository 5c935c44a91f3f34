// SPDX-License-Identifier: Apache-2.0
// TensorRT's ONNX parser under its own names.
#pragma once

#include "medlar/compat/NvInfer.h"

#include <numeric>

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

enum class OnnxParserFlag : int32_t {
  kNATIVE_INSTANCENORM,
  kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA,
  kREPORT_CAPABILITY_DLA
};
using OnnxParserFlags = uint32_t;

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
  char const* nodeName() const { return ""; }
  char const* nodeOperator() const { return ""; }
  char const* const* localFunctionStack() const { return nullptr; }
  int32_t localFunctionStackSize() const { return 0; }

 private:
  medlar::ParserError error_;
};

class IParser {
 public:
  IParser(nvinfer1::INetworkDefinition& network, nvinfer1::compat::SharedLogger logger)
      : network_(&network), logger_(std::move(logger)), parser_(network.medlarNetwork(), *logger_) {}
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
  /// Whether the whole model can be parsed; the subgraphs speak of it then: all of it as one part, or
  /// nothing.
  bool supportsModelV2(void const* model, std::size_t size, char const* path = nullptr) noexcept {
    supported_ = nvinfer1::compat::attempt(*logger_, false, [&] {
      auto const probe = medlar::Builder(*logger_).createNetwork();
      medlar::OnnxParser parser(*probe, *logger_);
      bool const parsed =
          parser.parse({static_cast<std::byte const*>(model), size}, path == nullptr ? "" : path);
      nodes_.resize(parsed ? static_cast<std::size_t>(probe->numLayers()) : 0);
      std::iota(nodes_.begin(), nodes_.end(), int64_t{0});
      return parsed;
    });
    asked_ = true;
    return supported_;
  }
  int64_t getNbSubgraphs() noexcept { return asked_ ? 1 : 0; }
  bool isSubgraphSupported(int64_t index) noexcept { return asked_ && index == 0 && supported_; }
  int64_t* getSubgraphNodes(int64_t index, int64_t& length) noexcept {
    bool const known = asked_ && index == 0;
    length = known ? static_cast<int64_t>(nodes_.size()) : 0;
    return known ? nodes_.data() : nullptr;
  }
  void setFlags(OnnxParserFlags flags) noexcept {
    nvinfer1::compat::attempt_void(*logger_, [&] {
      if ((flags & ~1U) != 0) {
        throw medlar::Unsupported("parser flags other than OnnxParserFlag::kNATIVE_INSTANCENORM");
      }
      flags_ = flags;
    });
  }
  OnnxParserFlags getFlags() const noexcept { return flags_; }
  void setFlag(OnnxParserFlag flag) noexcept { setFlags(flags_ | 1U << static_cast<int32_t>(flag)); }
  void clearFlag(OnnxParserFlag flag) noexcept { setFlags(flags_ & ~(1U << static_cast<int32_t>(flag))); }
  bool getFlag(OnnxParserFlag flag) const noexcept {
    return (flags_ >> static_cast<int32_t>(flag) & 1U) != 0;
  }
  /// The tensor that a node of that name writes; null when there is none.
  nvinfer1::ITensor const* getLayerOutputTensor(char const* name, int64_t index) noexcept {
    for (int32_t i = 0; name != nullptr && i < network_->getNbLayers(); ++i) {
      nvinfer1::ILayer const* layer = network_->getLayer(i);
      if (std::string(name) == layer->getName()) {
        return layer->getOutput(static_cast<int32_t>(index));
      }
    }
    return nullptr;
  }
  char const* const* getUsedVCPluginLibraries(int64_t& count) const noexcept {
    count = 0;
    return nullptr;
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

  nvinfer1::INetworkDefinition* network_;
  nvinfer1::compat::SharedLogger logger_;
  medlar::OnnxParser parser_;
  OnnxParserFlags flags_ = 0;
  std::vector<int64_t> nodes_;
  bool asked_ = false, supported_ = false;
  std::vector<std::unique_ptr<IParserError>> errors_;
};

/// Engines are not refitted: createParserRefitter logs so and returns null.
class IParserRefitter {
 public:
  virtual ~IParserRefitter() noexcept = default;
};
inline IParserRefitter* createParserRefitter(nvinfer1::IRefitter&, nvinfer1::ILogger& logger) noexcept {
  logger.log(nvinfer1::ILogger::Severity::kERROR,
             "createParserRefitter is not available: build the engine again");
  return nullptr;
}

inline IParser* createParser(nvinfer1::INetworkDefinition& network, nvinfer1::ILogger& logger) noexcept {
  auto const bridge = std::make_shared<nvinfer1::compat::LoggerBridge>(logger);
  return nvinfer1::compat::attempt<IParser*>(*bridge, nullptr, [&] { return new IParser(network, bridge); });
}

}  // namespace nvonnxparser

inline int getNvOnnxParserVersion() {
  return NV_ONNX_PARSER_VERSION;
}
