// SPDX-License-Identifier: Apache-2.0
// ONNX files into a network.
#pragma once

#include "medlar/logger.hpp"
#include "medlar/network.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace medlar {

struct ParserError {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  ///< Names file, node and value.
};

/// Fills an empty network. One thread at a time. `network` and `logger` outlive it.
class MEDLAR_API OnnxParser {
 public:
  OnnxParser(NetworkDefinition& network, Logger& logger);
  ~OnnxParser();
  OnnxParser(const OnnxParser&) = delete;
  OnnxParser& operator=(const OnnxParser&) = delete;

  /// False when the model cannot be read: errors() says why. `path` names the file (external data lie beside
  /// it).
  bool parse(Span<const std::byte> model, std::string_view path = {});
  bool parseFromFile(std::string_view path);

  const std::vector<ParserError>& errors() const noexcept;
  void clearErrors() noexcept;
  /// True when the importer knows the operator's shape rule or keeps it for the host.
  static bool supportsOperator(std::string_view name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medlar
