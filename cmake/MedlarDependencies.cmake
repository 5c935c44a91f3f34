# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, all from the distribution's packages; ONNX Runtime and onnx.proto come from .deps
# (filled by scripts/install-deps) or from the paths that the user names.
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Threads REQUIRED)

set(MEDLAR_DEPS_DIR ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "Folder that scripts/install-deps fills")
set(MEDLAR_ONNXRUNTIME_ROOT ${MEDLAR_DEPS_DIR}/onnxruntime CACHE PATH "ONNX Runtime: include/ and lib/")
set(MEDLAR_ONNX_PROTO_DIR ${MEDLAR_DEPS_DIR}/onnx CACHE PATH "Folder that holds onnx/onnx.proto")

if(MEDLAR_BUILD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
