// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

namespace medlar::tools {

NamedFile parse_named_file(const std::string& text) {
  const size_t equals = text.find('=');
  std::error_code error;
  if (equals == std::string::npos || std::filesystem::exists(text, error)) {
    return {"", text};
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace medlar::tools
