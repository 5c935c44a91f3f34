# SPDX-License-Identifier: Apache-2.0
set(COMPILER_FRONT_SOURCES
  reasons.cpp)
set(COMPILER_FRONT_DEPS)
