/* SPDX-License-Identifier: Apache-2.0 */
/* The only standard headers that the core sees, and what stands for them inside a Linux kernel tree. */
#ifndef MEDLAR_DRIVER_CORE_TYPES_H
#define MEDLAR_DRIVER_CORE_TYPES_H
#ifdef __KERNEL__
#include <linux/limits.h>
#include <linux/stddef.h>
#include <linux/types.h>
#define INT16_MIN S16_MIN
#define INT16_MAX S16_MAX
#define UINT16_MAX U16_MAX
#define UINT32_MAX U32_MAX
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif
#endif
