// SPDX-License-Identifier: Apache-2.0
#include "bind.hpp"

NB_MODULE(_core, m) {
  m.doc() = "The public C++ API of Medlar; package medlar gives it Python's manners.";
  // Objects that a script still holds at exit are no leak: the interpreter does not collect its globals.
  nb::set_leak_warnings(false);
  m.attr("__version__") = medlar::version();
  medlar::python::bind_errors(m);
  medlar::python::bind_device(m);
  medlar::python::bind_network(m);
  medlar::python::bind_build(m);
  medlar::python::bind_runtime(m);
  medlar::python::bind_analysis(m);
}
