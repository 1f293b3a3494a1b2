// Who sleeps until when: a binary heap.

#include "floor.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
    double due;
    lua_State *task;
} Timer;

// The first child of `timers[place]` is at twice `place`.
static Timer *timers;
static size_t count, room;

// Read for each sleep: an older time would end it too early.
static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void start_timer(lua_State *task, double seconds) {
    if (++count >= room) {
        room = 2 * count;
        timers = realloc(timers, room * sizeof *timers);
    }
    double due = now() + seconds;
    size_t place = count;
    for (; place > 1 && due < timers[place / 2].due; place /= 2) {
        timers[place] = timers[place / 2];
    }
    timers[place] = (Timer){ due, task };
}

static void remove_first(void) {
    Timer moved = timers[count--];
    size_t place = 1;
    for (size_t child; (child = 2 * place) <= count; place = child) {
        child += child < count && timers[child + 1].due < timers[child].due;
        if (moved.due <= timers[child].due) {
            break;
        }
        timers[place] = timers[child];
    }
    timers[place] = moved;
}

bool any_timer(void) {
    return count > 0;
}

int end_timers(void) {
    double time = now();
    while (count && timers[1].due <= time) {
        // It runs after all that are due with it; by then its memory is there.
        __builtin_prefetch(timers[1].task);
        make_ready(timers[1].task);
        remove_first();
    }
    return count ? (int)ceil((timers[1].due - time) * 1e3) : -1;
}
