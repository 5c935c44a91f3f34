// SPDX-License-Identifier: Apache-2.0
// Python exceptions, one class for each kind of error, all below medlar.Error.
#include "bind.hpp"

#include <array>

namespace medlar::python {
namespace {

/// Python classes by error code; they live as long as the interpreter.
std::array<PyObject*, 16>& classes() {
  static std::array<PyObject*, 16> table{};
  return table;
}

struct Kind {
  ErrorCode code;
  const char* name;
  PyObject* also;  ///< A built-in class that callers may expect.
};

void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const Exception& error) {
    PyObject* type = classes()[static_cast<size_t>(error.code())];
    try {
      std::rethrow_if_nested(error);
    } catch (nb::python_error& cause) {
      cause.restore();
      nb::chain_error(type, "%s", error.what());
      return;
    } catch (...) {
      PyErr_SetString(type, error.what());
      return;
    }
    PyErr_SetString(type, error.what());
  }
}

}  // namespace

void bind_errors(nb::module_& m) {
  nb::object base = nb::steal(PyErr_NewExceptionWithDoc("medlar.Error", "What every error of Medlar is.",
                                                        PyExc_RuntimeError, nullptr));
  m.attr("Error") = base;
  const std::array kinds{Kind{ErrorCode::kInvalidArgument, "InvalidArgument", PyExc_ValueError},
                         Kind{ErrorCode::kCorrupt, "Corrupt", PyExc_ValueError},
                         Kind{ErrorCode::kUnsupported, "Unsupported", PyExc_NotImplementedError},
                         Kind{ErrorCode::kNotFound, "NotFound", PyExc_LookupError},
                         Kind{ErrorCode::kAlreadyExists, "AlreadyExists", PyExc_ValueError},
                         Kind{ErrorCode::kOutOfRange, "OutOfRange", PyExc_IndexError},
                         Kind{ErrorCode::kResourceExhausted, "ResourceExhausted", PyExc_MemoryError},
                         Kind{ErrorCode::kFault, "DeviceFault", nullptr},
                         Kind{ErrorCode::kTimeout, "Timeout", PyExc_TimeoutError},
                         Kind{ErrorCode::kCancelled, "Cancelled", nullptr},
                         Kind{ErrorCode::kDeviceMismatch, "DeviceMismatch", nullptr},
                         Kind{ErrorCode::kVersionMismatch, "VersionMismatch", nullptr},
                         Kind{ErrorCode::kIo, "IoError", PyExc_OSError},
                         Kind{ErrorCode::kInternal, "InternalError", nullptr},
                         Kind{ErrorCode::kCallback, "CallbackError", nullptr},
                         Kind{ErrorCode::kBusy, "Busy", nullptr}};
  for (const Kind& kind : kinds) {
    const bool layout_fits =
        kind.also != nullptr && kind.also != PyExc_OSError && kind.also != PyExc_TimeoutError;
    const nb::object bases = layout_fits ? nb::object(nb::make_tuple(base, nb::handle(kind.also)))
                                         : nb::object(nb::make_tuple(base));
    PyObject* type = PyErr_NewException((std::string("medlar.") + kind.name).c_str(), bases.ptr(), nullptr);
    if (type == nullptr) {
      throw nb::python_error();
    }
    classes()[static_cast<size_t>(kind.code)] = type;
    m.attr(kind.name) = nb::handle(type);
  }
  nb::register_exception_translator(translate);
}

}  // namespace medlar::python
