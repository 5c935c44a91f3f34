# SPDX-License-Identifier: Apache-2.0
# `cmake --install`: headers, libmedlar with ONNX Runtime beside it, the CMake package and the pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(medlar_public PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/medlar")
install(TARGETS medlar_public EXPORT medlarTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/medlar DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
# A distribution's own ONNX Runtime stays where it is; the one of .deps goes along.
install(CODE "file(GLOB libraries \"${MEDLAR_ONNXRUNTIME_ROOT}/lib/libonnxruntime.so.*\")
  if(libraries)
    file(INSTALL \${libraries} DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/medlar\")
  endif()" COMPONENT development)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/medlar)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/medlarConfig.cmake.in ${CMAKE_BINARY_DIR}/medlarConfig.cmake
  INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/medlarConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/medlarConfig.cmake ${CMAKE_BINARY_DIR}/medlarConfigVersion.cmake DESTINATION ${package}
  COMPONENT development)
install(EXPORT medlarTargets NAMESPACE medlar:: DESTINATION ${package} COMPONENT development)
configure_file(${CMAKE_SOURCE_DIR}/cmake/medlar.pc.in ${CMAKE_BINARY_DIR}/medlar.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/medlar.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
