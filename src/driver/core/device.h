/* SPDX-License-Identifier: Apache-2.0 */
/* One DLA core: contexts with their queues, the running task, the engines and their register groups.
 *
 * Who calls what: contexts and submission from any thread; dla_isr from the interrupt handler; dla_next,
 * dla_start, dla_process, dla_abort, dla_finish and dla_idle from one thread at a time, the device's. */
#ifndef MEDLAR_DRIVER_CORE_DEVICE_H
#define MEDLAR_DRIVER_CORE_DEVICE_H
#include "driver/core/task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dla_context {
  struct dla_context* next;
  struct dla_task *head, *tail;
  uint32_t priority;  /* MEDLAR_PRIORITY_ */
  uint32_t passed;    /* times that another context was preferred */
  uint64_t last_turn; /* round robin among equals */
};

/* One of the two register groups of an engine. */
struct dla_group {
  int32_t op; /* DLA_NO_OP: free */
  uint8_t rdma_group;
};

struct dla_engine {
  struct dla_group group[2];
  uint32_t next; /* into the task's order: the next operation to program */
  bool rdma_busy[2];
  uint8_t last_done;  /* group */
  int16_t lut;        /* that the unit's table holds for this task; -1: none */
  uint8_t pending[2]; /* events that the interrupt handler saw, bit 1 << enum nvdla_event */
};

struct dla_counters {
  uint64_t submitted, completed, failed, operations, interrupts, spurious, resets, timeouts, reads, writes,
      lut_loads, power_ups, clock_enables;
};

struct dla_device {
  struct dla_port port;
  struct dla_config config;
  struct dla_context* contexts;
  struct dla_task* current;
  struct dla_engine engine[DLA_ENGINES];
  struct dla_counters counters;
  uint64_t turn, serial, started_ns;
  int fault; /* first register access that the bus refused; 0 none */
  uint32_t fault_address;
  bool fault_write;
  bool running; /* the current task has touched the engine */
  enum dla_power power;
  uint64_t idle_since_ns;
  uint32_t loadables; /* guarded by the port's lock */
};

void dla_device_init(struct dla_device* device, const struct dla_port* port, const struct dla_config* config);

void dla_context_add(struct dla_device* device, struct dla_context* context, uint32_t priority);
/* Its queued tasks end with -MEDLAR_ECANCELED at their turn; a running one at its next step. The port waits
 * for them before it removes the context. */
void dla_context_cancel(struct dla_device* device, struct dla_context* context);
void dla_context_remove(struct dla_device* device, struct dla_context* context);

/* A loadable's place on the core: 0, or -MEDLAR_ENOSPC when config.max_loadables have one. */
int dla_loadable_add(struct dla_device* device);
void dla_loadable_remove(struct dla_device* device);

/* Queues a task of dla_task_create; it belongs to the device until port.finished. Gives it its serial number.
 * `blocked` in-fences must signal through dla_unblock first. */
uint64_t dla_submit(struct dla_device* device, struct dla_context* context, struct dla_task* task,
                    uint32_t blocked);
/* An in-fence of a queued task has signalled with this status; a failure fails the task at its turn. */
void dla_unblock(struct dla_device* device, struct dla_task* task, int status);

/* Some task may run now. */
bool dla_waiting(struct dla_device* device);
/* Makes the next task current; false when there is none that may run. */
bool dla_next(struct dla_device* device);
/* Wakes the engine and programs the first operations of the current task, unless it is cancelled or an in-fence
 * failed. */
void dla_start(struct dla_device* device);
/* Interrupt handler: reads, remembers and clears the status. */
void dla_isr(struct dla_device* device);
/* Handles what dla_isr saw. */
void dla_process(struct dla_device* device);
/* True when the current task has completed, failed, been cancelled or run out of time; call dla_finish. */
bool dla_done(struct dla_device* device);
/* Fails the current task; the reason's kind, error, iova and access are kept, task and operation filled in.
 */
void dla_abort(struct dla_device* device, const struct medlar_query_error* reason);
/* Nothing can run any more and no interrupt is due: a hang. */
void dla_hang(struct dla_device* device);
/* Ends the current task: resets the engine if it failed, counts, hands it to port.finished. */
void dla_finish(struct dla_device* device);

/* Nothing may run: the clock is gated, and the power once config.power_idle_ns have passed since the last task.
 * The device time at which to call again; 0 when there is nothing left to switch off. */
uint64_t dla_idle(struct dla_device* device);
/* Power and clock on, before registers are touched. 0 or the port's errno. */
int dla_wake(struct dla_device* device);

/* The operation that an engine's register group holds, or DLA_NO_OP. */
int32_t dla_group_op(const struct dla_device* device, int engine, int group);

/* Register access of the core; refusals are remembered in device->fault. */
uint32_t dla_register_read(struct dla_device* device, uint32_t address);
void dla_register_write(struct dla_device* device, uint32_t address, uint32_t value);

#ifdef __cplusplus
}
#endif
#endif
