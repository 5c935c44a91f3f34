// SPDX-License-Identifier: Apache-2.0
// TensorRT's helper headers include this file. The safety runtime is not there; the namespace is, and empty.
#pragma once

#include "medlar/compat/NvInferRuntime.h"

namespace nvinfer1::safe {}
