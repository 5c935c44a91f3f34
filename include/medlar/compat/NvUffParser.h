// SPDX-License-Identifier: Apache-2.0
// TensorRT 8's helper headers name this parser's class. The parser is not there: models come from ONNX.
#pragma once

namespace nvuffparser {

class IUffParser;

}  // namespace nvuffparser
