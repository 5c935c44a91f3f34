// SPDX-License-Identifier: Apache-2.0
// Plain types that the whole API shares.
#pragma once

#include "medlar/export.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace medlar {

/// Element types, with TensorRT's numbers; 64 and above are types that TensorRT lacks.
enum class DataType : std::int32_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kInt8 = 2,
  kInt32 = 3,
  kBool = 4,
  kUint8 = 5,
  kFp8 = 6,
  kBfloat16 = 7,
  kInt64 = 8,
  kInt4 = 9,
  kFloat64 = 64,
  kInt16 = 65,
  kUint16 = 66,
  kUint32 = 67,
  kUint64 = 68,
};

/// "float32", "int8", ...
MEDLAR_API const char* dataTypeName(DataType type) noexcept;
/// Bytes of one element; throws Unsupported for packed 4-bit types.
MEDLAR_API std::size_t elementBytes(DataType type);

/// A view of somebody else's elements. C++17 programs include these headers, so std::span cannot stand here.
template <typename T>
class Span {
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  /// Of anything with data() and size(): std::vector, std::array, std::string_view, std::span.
  template <typename Container, typename = decltype(static_cast<T*>(std::declval<Container&>().data()))>
  constexpr Span(Container&& container) noexcept : data_(container.data()), size_(container.size()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T& operator[](std::size_t i) const { return data_[i]; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Dimensions, outermost first (NCHW). -1: open.
using Dims = std::vector<std::int64_t>;

/// Number of elements; throws InvalidArgument for open dimensions and overflow.
MEDLAR_API std::size_t volume(const Dims& dims);

/// Constant data of the caller's. Functions that take it copy it before they return.
struct Weights {
  DataType type = DataType::kFloat32;
  const void* values = nullptr;
  std::int64_t count = 0;
};

/// Constant data that the API gives back.
struct OwnedWeights {
  DataType type = DataType::kFloat32;
  Dims dims;
  std::vector<std::byte> bytes;
};

enum class DeviceType : std::int32_t { kGpu = 0, kDla = 1 };

/// Where a layer runs.
enum class Placed : std::uint8_t { kDla, kGpu, kCpu, kFolded };

/// The kinds of layer, with TensorRT's numbers. kOther: an ONNX operator that TensorRT has no layer for.
enum class LayerType : std::int32_t {
  kConvolution = 0,
  kCast = 1,
  kActivation = 2,
  kPooling = 3,
  kLrn = 4,
  kScale = 5,
  kSoftmax = 6,
  kDeconvolution = 7,
  kConcatenation = 8,
  kElementwise = 9,
  kPlugin = 10,
  kUnary = 11,
  kPadding = 12,
  kShuffle = 13,
  kReduce = 14,
  kTopk = 15,
  kGather = 16,
  kMatrixMultiply = 17,
  kConstant = 19,
  kIdentity = 20,
  kSlice = 22,
  kShape = 23,
  kParametricRelu = 24,
  kResize = 25,
  kTripLimit = 26,
  kRecurrence = 27,
  kLoopOutput = 29,
  kSelect = 30,
  kFill = 31,
  kQuantize = 32,
  kDequantize = 33,
  kCondition = 34,
  kScatter = 37,
  kEinsum = 38,
  kAssertion = 39,
  kOneHot = 40,
  kNonZero = 41,
  kGridSample = 42,
  kNms = 43,
  kReverseSequence = 44,
  kNormalization = 45,
  kSqueeze = 47,
  kUnsqueeze = 48,
  kCumulative = 49,
  kOther = 1000,
};

enum class ActivationType : std::int32_t {
  kRelu,
  kSigmoid,
  kTanh,
  kLeakyRelu,
  kElu,
  kSelu,
  kSoftsign,
  kSoftplus,
  kClip,
  kHardSigmoid,
  kScaledTanh,
  kThresholdedRelu,
  kGeluErf,
  kGeluTanh
};
enum class PoolingType : std::int32_t { kMax, kAverage, kMaxAverageBlend };
enum class ElementWiseOperation : std::int32_t {
  kSum,
  kProd,
  kMax,
  kMin,
  kSub,
  kDiv,
  kPow,
  kFloorDiv,
  kAnd,
  kOr,
  kXor,
  kEqual,
  kGreater,
  kLess
};
enum class UnaryOperation : std::int32_t {
  kExp,
  kLog,
  kSqrt,
  kRecip,
  kAbs,
  kNeg,
  kSin,
  kCos,
  kTan,
  kSinh,
  kCosh,
  kAsin,
  kAcos,
  kAtan,
  kAsinh,
  kAcosh,
  kAtanh,
  kCeil,
  kFloor,
  kErf,
  kNot,
  kSign,
  kRound,
  kIsInf,
  kIsNan
};
enum class ReduceOperation : std::int32_t { kSum, kProd, kMax, kMin, kAvg };
enum class MatrixOperation : std::int32_t { kNone, kTranspose, kVector };
enum class ScaleMode : std::int32_t { kUniform, kChannel, kElementwise };
enum class PaddingMode : std::int32_t { kExplicitRoundDown, kExplicitRoundUp, kSameUpper, kSameLower };
enum class ResizeMode : std::int32_t { kNearest, kLinear, kCubic };
enum class ResizeCoordinates : std::int32_t { kAlignCorners, kAsymmetric, kHalfPixel };
enum class ResizeRounding : std::int32_t { kHalfUp, kHalfDown, kFloor, kCeil };
enum class TopKOperation : std::int32_t { kMax, kMin };
enum class GatherMode : std::int32_t { kDefault, kElement, kNd };
enum class ScatterMode : std::int32_t { kElement, kNd };
enum class FillOperation : std::int32_t { kLinspace, kRandomUniform, kRandomNormal };
enum class CumulativeOperation : std::int32_t { kSum };
enum class BoundingBoxFormat : std::int32_t { kCornerPairs, kCenterSizes };
/// Of slices and of samples beside a grid.
enum class SliceMode : std::int32_t { kStrict, kWrap, kClamp, kFill, kReflect };

}  // namespace medlar
