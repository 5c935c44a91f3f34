# SPDX-License-Identifier: Apache-2.0
# Warning, sanitizer and coverage flags, carried by one interface target that every target links.
add_library(medlar_flags INTERFACE)
target_include_directories(medlar_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(medlar_flags INTERFACE
  -Wall -Wextra -Wshadow -Wimplicit-fallthrough
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
if(MEDLAR_WERROR)
  target_compile_options(medlar_flags INTERFACE -Werror)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # With -O2, GCC 12 to 14 warn of impossible copies inside std::vector and std::optional (GCC bugs 105329, 105562).
  target_compile_options(medlar_flags INTERFACE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-maybe-uninitialized)
endif()
if(MEDLAR_SANITIZE)
  target_compile_options(medlar_flags INTERFACE -fsanitize=${MEDLAR_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(medlar_flags INTERFACE -fsanitize=${MEDLAR_SANITIZE})
  if(MEDLAR_SANITIZE MATCHES "undefined")
    target_compile_options(medlar_flags INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()
if(MEDLAR_COVERAGE)
  target_compile_options(medlar_flags INTERFACE --coverage)
  target_link_options(medlar_flags INTERFACE --coverage)
endif()
