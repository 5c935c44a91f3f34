# SPDX-License-Identifier: Apache-2.0
# medlar_library(NAME SOURCES ... DEPS ...): one static library per folder of src/, linked as medlar::NAME.
function(medlar_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(medlar_${name} STATIC ${ARG_SOURCES})
  add_library(medlar::${name} ALIAS medlar_${name})
  target_link_libraries(medlar_${name} PUBLIC medlar_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# medlar_test(NAME SOURCES ... DEPS ... [TIMEOUT seconds] [LABELS ...]): one GoogleTest binary, its cases registered with ctest.
function(medlar_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE medlar_flags medlar_test_support ${ARG_DEPS})
  set(properties TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    list(APPEND properties LABELS "${ARG_LABELS}")
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}/" DISCOVERY_TIMEOUT 120 DISCOVERY_MODE PRE_TEST
    PROPERTIES ${properties})
endfunction()
