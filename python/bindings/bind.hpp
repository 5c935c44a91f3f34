// SPDX-License-Identifier: Apache-2.0
// What the parts of the extension module share.
#pragma once

#include "medlar/medlar.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;

namespace medlar::python {

using Unlocked = nb::call_guard<nb::gil_scoped_release>;

void bind_errors(nb::module_& m);
void bind_network(nb::module_& m);
void bind_build(nb::module_& m);
void bind_device(nb::module_& m);
void bind_runtime(nb::module_& m);
void bind_analysis(nb::module_& m);

/// Any array of the CPU's, row-major.
using Array = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using WritableArray = nb::ndarray<nb::c_contig, nb::device::cpu>;

/// Borrows the array's memory.
TensorView view_of(const Array& array);
/// Throws InvalidArgument for element types that the API cannot name.
DataType type_of(nb::dlpack::dtype type);
/// The array's data as weights; valid as long as the array.
Weights weights_of(const std::optional<Array>& array);
/// A copy as a NumPy array.
nb::object to_numpy(OwnedWeights weights);
nb::dlpack::dtype dlpack_type(DataType type);

inline nb::bytes to_bytes(Span<const std::byte> data) {
  return nb::bytes(data.data(), data.size());
}
inline Span<const std::byte> span_of(const nb::bytes& data) {
  return {static_cast<const std::byte*>(data.data()), data.size()};
}

}  // namespace medlar::python
