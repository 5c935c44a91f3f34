// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medlar/compat/cuda_runtime_api.h"
