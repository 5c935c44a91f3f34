// SPDX-License-Identifier: Apache-2.0
// TensorProto and SparseTensorProto to graph::Tensor: raw bytes, typed fields, external files.
#pragma once

#include "graph/graph.hpp"
#include "import/external_data.hpp"

namespace onnx {
class SparseTensorProto;
class TensorProto;
}  // namespace onnx

namespace medlar::import {

/// Errors do not name the tensor: the caller knows what to call it.
Result<graph::Tensor> read_tensor(const onnx::TensorProto& proto, const DataFolder& folder);
/// The dense form of a sparse tensor (coordinates or linear indices).
Result<graph::Tensor> read_sparse_tensor(const onnx::SparseTensorProto& proto, const DataFolder& folder);
/// Moves external data of a tensor into it.
Status internalise(onnx::TensorProto& proto, const DataFolder& folder);

}  // namespace medlar::import
