/* SPDX-License-Identifier: Apache-2.0 */
/* The interface between user-mode and kernel-mode driver. C11 and C++. Task contents (network descriptor, dependency
 * graph, operation and surface lists, version MEDLAR_DESCRIPTOR_VERSION) are NVDLA's; see hw/gen/nvdla_desc.h.
 *
 * Every argument starts with struct_size, Input: sizeof the caller's struct. A kernel that knows fewer bytes wants the rest
 * zero; one that knows more reads zero for what is absent. reserved: Input: must be zero (-MEDLAR_EINVAL otherwise).
 * Calls return 0 (or what is said) or a negative medlar_errno. Pointers are user addresses in a uint64_t. */
/* clang-format off: an interface to be reviewed on two pages */
#ifndef MEDLAR_UAPI_H
#define MEDLAR_UAPI_H
#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif
#define MEDLAR_UAPI_VERSION 1u
#define MEDLAR_DESCRIPTOR_VERSION 0x000c05u /* 0.12.5: 32-byte data cubes */
#define MEDLAR_DEVICE_NODE "nvhost-nvdla"   /* + core number: nvhost-nvdla0 */

enum medlar_errno { /* Linux's numbers */
  MEDLAR_EPERM = 1, MEDLAR_ENOENT = 2, MEDLAR_EIO = 5, MEDLAR_EBADF = 9, MEDLAR_EAGAIN = 11, MEDLAR_ENOMEM = 12,
  MEDLAR_EACCES = 13, MEDLAR_EFAULT = 14, MEDLAR_EBUSY = 16, MEDLAR_ENODEV = 19, MEDLAR_EINVAL = 22, MEDLAR_EMFILE = 24,
  MEDLAR_ENOTTY = 25, MEDLAR_ENOSPC = 28, MEDLAR_ERANGE = 34, MEDLAR_ETIME = 62, MEDLAR_EOPNOTSUPP = 95, MEDLAR_ECANCELED = 125 };
enum medlar_request {
  MEDLAR_QUERY_DEVICE = 1, MEDLAR_CREATE_CONTEXT, MEDLAR_DESTROY_CONTEXT, MEDLAR_CREATE_BUFFER, MEDLAR_EXPORT_BUFFER,
  MEDLAR_IMPORT_BUFFER, MEDLAR_MAP_BUFFER, MEDLAR_DESTROY_BUFFER, MEDLAR_SUBMIT, MEDLAR_WAIT_FENCE, MEDLAR_QUERY_COUNTERS,
  MEDLAR_QUERY_ERROR, MEDLAR_ADD_LOADABLE, MEDLAR_REMOVE_LOADABLE, MEDLAR_SYNC_BUFFER };
enum { MEDLAR_PRECISION_INT8 = 1, MEDLAR_PRECISION_INT16 = 2, MEDLAR_PRECISION_FP16 = 4 };
enum { MEDLAR_FEATURE_BDMA = 1, MEDLAR_FEATURE_RUBIK = 2, MEDLAR_FEATURE_CDP = 4, MEDLAR_FEATURE_PDP = 8, MEDLAR_FEATURE_ELTWISE = 16,
       MEDLAR_FEATURE_LUT = 32, MEDLAR_FEATURE_COMPRESSION = 64, MEDLAR_FEATURE_WINOGRAD = 128, MEDLAR_FEATURE_BATCH = 256 };

struct medlar_query_device { /* MEDLAR_QUERY_DEVICE */
  uint32_t struct_size, reserved;
  char profile[32], chip[32];   /* Output: device profile and hardware configuration, zero-terminated */
  uint32_t uapi_version;        /* Output */
  uint32_t descriptor_version;  /* Output: newest that the driver reads */
  uint32_t core, num_cores;     /* Output: this node's core and how many the module has */
  uint32_t precisions;          /* Output: MEDLAR_PRECISION_ bits */
  uint32_t features;            /* Output: MEDLAR_FEATURE_ bits */
  uint32_t register_map;        /* Output: 1 or 2 */
  uint32_t memory_atom, atomic_c, atomic_k; /* Output: bytes, channels, kernels */
  uint32_t cbuf_banks, cbuf_bank_bytes;     /* Output */
  uint32_t max_batch, max_addresses, max_operations, max_contexts; /* Output: limits per task, task, task, device */
  uint32_t page_size, clock_khz;            /* Output: bytes; core clock in the power mode of now */
  uint32_t max_loadables, power_state;      /* Output: limit per core; now: 0 off, 1 clock-gated, 2 on */
  uint64_t dram_bytes, sram_bytes, sram_free;           /* Output */
  uint64_t cma_bytes, cma_free, cma_largest_free;       /* Output: a contiguous buffer needs one free run */
};

enum { MEDLAR_PRIORITY_LOW = 0, MEDLAR_PRIORITY_NORMAL = 1, MEDLAR_PRIORITY_HIGH = 2 };
struct medlar_context { /* MEDLAR_CREATE_CONTEXT, MEDLAR_DESTROY_CONTEXT: an address space and a queue run in order */
  uint32_t struct_size, priority;  /* priority: Input (create) */
  uint32_t context, reserved; /* context: Output (create), Input (destroy; unfinished work fails with -MEDLAR_ECANCELED) */
};

/* Neither flag: pages scattered in DRAM behind the SMMU. */
enum { MEDLAR_BUFFER_CONTIGUOUS = 1 /* from CMA */, MEDLAR_BUFFER_SRAM = 2 /* on-chip; data cube type CV */,
       MEDLAR_BUFFER_READ_ONLY = 4 /* the device may not write */ };
struct medlar_buffer { /* MEDLAR_CREATE_, EXPORT_, IMPORT_, MAP_ and DESTROY_BUFFER */
  uint32_t struct_size;
  uint32_t context;     /* Input (create, import): whose address space */
  uint32_t handle;      /* Output (create, import; never 0), Input (others) */
  uint32_t flags;       /* Input (create; import: READ_ONLY only): MEDLAR_BUFFER_ bits */
  uint64_t size;        /* Input (create): bytes; Output (create, import): rounded up to pages */
  uint64_t iova;        /* Output (create, import): address that the device sees */
  uint64_t map_offset;  /* Output (map): for medlar_kernel.map on the device's descriptor */
  int32_t fd;           /* Output (export), Input (import): shares the pages; close() it; map() it at offset 0 */
  uint32_t reserved;
};

enum { MEDLAR_SYNC_READ = 1, MEDLAR_SYNC_WRITE = 2, MEDLAR_SYNC_END = 4 /* of an access begun with the same bits */ };
struct medlar_sync { /* MEDLAR_SYNC_BUFFER: begins or ends an access of the CPU to pages that engines share */
  uint32_t struct_size;
  uint32_t handle;     /* Input: buffer; 0: fd says */
  int32_t fd;          /* Input: of export */
  uint32_t flags;      /* Input: MEDLAR_SYNC_ bits */
  int64_t timeout_ns;  /* Input: host time to wait for tasks that write (to read) or use (to write) it; negative for ever */
  uint64_t reserved;
};

struct medlar_loadable { /* MEDLAR_ADD_LOADABLE, MEDLAR_REMOVE_LOADABLE: a network's place on the core */
  uint32_t struct_size, context;  /* context: Input: whose tasks name it */
  uint32_t loadable, reserved;    /* loadable: Output (add; never 0), Input (remove) */
  uint64_t names, names_size;     /* Input (add): zero-terminated names of its task's operations, for the log; may be 0 */
};
#define MEDLAR_MAX_NAMES_SIZE 0x400000u
struct medlar_address {
  uint32_t handle, reserved; /* handle: Input: buffer; 0 for a hole that no descriptor uses */
  uint64_t offset;           /* Input: bytes into it; 0 for descriptor blobs */
};
struct medlar_submit { /* MEDLAR_SUBMIT: asynchronous; everything is validated and copied before the call returns */
  uint32_t struct_size;
  uint32_t context;        /* Input */
  uint64_t addresses;      /* Input: medlar_address[]; element 0 is the network descriptor */
  uint32_t num_addresses;  /* Input */
  uint32_t address_size;   /* Input: sizeof(struct medlar_address) */
  uint64_t in_fences;      /* Input: int32_t[] fence descriptors of any core; 0 when num_in_fences is 0 */
  uint32_t num_in_fences;  /* Input: at most MEDLAR_MAX_IN_FENCES; one that failed fails this task */
  int32_t out_fence;       /* Output: close() it */
  uint64_t timeout_ns;     /* Input: of execution, in modelled device time; 0 for the driver's default */
  uint64_t serial;         /* Output: the task's number on this core, from 1; names it in logs and profiles */
  uint32_t loadable, reserved; /* loadable: Input: one that the context has added */
};
#define MEDLAR_MAX_IN_FENCES 64u

struct medlar_wait_fence { /* MEDLAR_WAIT_FENCE: -MEDLAR_ETIME when it has not signalled in time */
  uint32_t struct_size;
  int32_t fence;       /* Input */
  int64_t timeout_ns;  /* Input: host time; 0 polls, negative waits for ever */
  int32_t status; uint32_t reserved; /* status: Output: 0, or the task's negative medlar_errno */
};

struct medlar_query_counters { /* MEDLAR_QUERY_COUNTERS: all Output, since the device started */
  uint32_t struct_size, reserved;
  uint64_t tasks_submitted, tasks_completed, tasks_failed, operations, interrupts, spurious_interrupts, resets, timeouts;
  uint64_t register_reads, register_writes, lut_loads;
  uint64_t smmu_faults, tlb_hits, tlb_misses;
  uint64_t power_ups, clock_enables, device_time_ns; /* device_time_ns: modelled, of this core */
  uint64_t copied_bytes, cpu_syncs;                  /* descriptors copied at submit: tensors never are; accesses begun */
  uint64_t live_loadables, shared_pages;             /* now; shared: mapped by more than one engine or address space */
  uint64_t live_contexts, live_buffers, live_pages, live_fences, live_mappings; /* now, not since */
};

enum medlar_error_kind { MEDLAR_ERROR_NONE = 0, MEDLAR_ERROR_DESCRIPTOR, MEDLAR_ERROR_TRANSLATION, MEDLAR_ERROR_PERMISSION,
                         MEDLAR_ERROR_REGISTER, MEDLAR_ERROR_HANG, MEDLAR_ERROR_CANCELLED, MEDLAR_ERROR_FENCE, MEDLAR_ERROR_POWER };
struct medlar_query_error { /* MEDLAR_QUERY_ERROR: why the last submit or task of this descriptor failed */
  uint32_t struct_size;
  uint32_t kind;         /* Output: medlar_error_kind */
  int32_t error;         /* Output: negative medlar_errno */
  int32_t op_index;      /* Output: operation in the task; -1 when the task as a whole */
  int32_t op_type;       /* Output: 0 BDMA 1 CONV 2 SDP 3 PDP 4 CDP 5 RUBIK; -1 none */
  uint32_t access;       /* Output: 0 none, 1 read, 2 write (faults) */
  uint64_t serial;       /* Output: the task; 0 when it was refused at submit */
  int64_t value, limit;  /* Output: what field held and the bound that it broke */
  uint64_t iova;         /* Output: faulting address */
  char field[32];        /* Output: e.g. "src.width" */
  char message[160];     /* Output: all of it as one sentence */
};

/* The seam: a kernel as user mode reaches it. Thread-safe. Each returns a negative medlar_errno on failure. */
struct medlar_kernel {
  void* self;
  int (*open)(void* self, const char* node);  /* a descriptor, >= 0 */
  int (*close)(void* self, int fd);           /* device, shared buffer or fence */
  int (*ioctl)(void* self, int fd, uint32_t request, void* arg);
  void* (*map)(void* self, int fd, uint64_t offset, uint64_t size); /* NULL on failure */
  int (*unmap)(void* self, void* address, uint64_t size);
};
#endif
