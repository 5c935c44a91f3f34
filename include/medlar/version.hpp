// SPDX-License-Identifier: Apache-2.0
// The version of libmedlar.
#pragma once

#include "medlar/export.hpp"

namespace medlar {

/// "0.1.0"
MEDLAR_API const char* version() noexcept;

}  // namespace medlar
