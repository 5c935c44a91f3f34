// SPDX-License-Identifier: Apache-2.0
// Plugins are code for a GPU: there are none, and nothing to initialise. Operators that need one run on the
// host.
#pragma once

#include "medlar/compat/NvInferRuntime.h"

namespace nvinfer1::plugin {}

inline bool initLibNvInferPlugins(void* logger, char const* /*libNamespace*/) {
  if (logger != nullptr) {
    static_cast<nvinfer1::ILogger*>(logger)->log(nvinfer1::ILogger::Severity::kINFO,
                                                 "initLibNvInferPlugins has no effect: there are no plugins");
  }
  return true;
}
