// SPDX-License-Identifier: Apache-2.0
// Any bytes through the ONNX importer, shape inference, the rewrites and the operator rules: an error or a graph, never a
// crash.
#include <cstddef>
#include <cstdint>

#include "compiler/legalise/legalise.hpp"
#include "compiler/simplify/simplify.hpp"
#include "graph/shape_inference.hpp"
#include "hw/config.hpp"
#include "import/onnx_import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace medlar;
  auto graph = import::import_onnx_bytes({data, size}, "fuzz");
  if (!graph || !compiler::simplify(*graph, hw::Precision::kInt8, nullptr)) {
    return 0;
  }
  for (const hw::Precision precision : {hw::Precision::kInt8, hw::Precision::kFp16}) {
    const compiler::Question question{.graph = *graph, .config = **hw::find_config("nv_full"), .precision = precision};
    for (const graph::Node& node : graph->nodes) {
      (void)compiler::check_node(question, node);
    }
  }
  return 0;
}
