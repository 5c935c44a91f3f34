// SPDX-License-Identifier: Apache-2.0
// Where the inputs and outputs of one inference lie: bindings by tensor name.
#pragma once

#include "graph/graph.hpp"
#include "runtime/device_memory.hpp"

#include <map>
#include <span>
#include <string>

namespace medlar::runtime {

using TensorMap = std::map<std::string, graph::Tensor>;

/// How the bytes of a bound tensor are laid out.
enum class Layout : uint8_t {
  kRows,    ///< Row-major, of the tensor's own type: as ONNX sees it.
  kDevice,  ///< As the DLA reads or writes it (LoadedEngine::Io::device): no conversion happens at the DLA.
};

/// One tensor's memory. The memory must live, and inputs stay unchanged, until the inference is done.
class Binding {
 public:
  Binding() = default;
  /// Host memory, row-major.
  static Binding input(ByteView bytes) {
    // Inputs are only read; writable() guards it.
    return Binding({const_cast<uint8_t*>(bytes.data()), bytes.size()}, false);
  }
  static Binding input(const graph::Tensor& tensor) {
    Binding binding = input(ByteView(tensor.bytes));
    binding.type_ = tensor.type;
    binding.shape_ = tensor.shape;
    binding.strings_ = tensor.strings;
    binding.typed_ = true;
    return binding;
  }
  static Binding host(MutableBytes bytes) { return Binding(bytes, true); }
  /// An output that is resized as needed: the only way for outputs whose shape is known afterwards.
  static Binding output(graph::Tensor& tensor) {
    Binding binding({}, true);
    binding.tensor_ = &tensor;
    return binding;
  }
  /// Memory of the module. The device layout wants `offset` to be a multiple of 32.
  static Binding device(std::shared_ptr<DeviceMemory> memory, Layout layout, uint64_t offset = 0) {
    Binding binding({}, true);
    binding.memory_ = std::move(memory);
    binding.layout_ = layout;
    binding.offset_ = offset;
    return binding;
  }

  bool writable() const { return writable_; }
  Layout layout() const { return layout_; }
  graph::Tensor* tensor() const { return tensor_; }
  const std::shared_ptr<DeviceMemory>& memory() const { return memory_; }
  uint64_t offset() const { return offset_; }
  /// Type and shape that the caller stated, where it did.
  bool typed() const { return typed_; }
  graph::DataType type() const { return type_; }
  const graph::Shape& shape() const { return shape_; }
  /// Elements of a bound string tensor.
  std::span<const std::string> strings() const { return strings_; }
  /// The bytes, mapped if they lie on the module. Empty for a tensor.
  Result<MutableBytes> bytes() const {
    if (memory_ == nullptr) {
      return bytes_;
    }
    MEDLAR_ASSIGN(const MutableBytes all, memory_->map());
    if (offset_ > all.size()) {
      return fail(Code::kOutOfRange, "offset {} in device memory of {} bytes", offset_, all.size());
    }
    return all.subspan(offset_);
  }

 private:
  Binding(MutableBytes bytes, bool writable) : bytes_(bytes), writable_(writable) {}

  MutableBytes bytes_;
  graph::Tensor* tensor_ = nullptr;
  std::shared_ptr<DeviceMemory> memory_;
  uint64_t offset_ = 0;
  Layout layout_ = Layout::kRows;
  bool writable_ = false;
  bool typed_ = false;
  graph::DataType type_ = graph::DataType::kUndefined;
  graph::Shape shape_;
  std::span<const std::string> strings_;
};

using Bindings = std::map<std::string, Binding>;

}  // namespace medlar::runtime
