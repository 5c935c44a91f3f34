// SPDX-License-Identifier: Apache-2.0
// Firmware descriptors under their C++ names; the layouts and text printers are generated from
// spec/descriptors.json.
#pragma once

#include "hw/gen/descriptors.hpp"
