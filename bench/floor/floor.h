// The least that the rock's tasks, channels and sockets can cost on a stock Lua 5.4, to hold ours against: what no
// module that can be put in the rock's place can do without, as lean as Lua's public interface allows. It calls itself
// cosock, so that the benchmark's own programs run on it.
//
// What any such module owes to programs, and is here:
// - A task has a coroutine of its own, for programs keep what coroutine.running gives them; a handle; and somebody who
//   keeps it alive.
// - Sockets and the halves of channels are tables. Each, or its class, may be given another `setwaker`, `_wake` or
//   `timeout` at any time, and must then be waited on by these: they tell when that happens. To ask before every wait,
//   as the rock does, costs 200 instructions a question. A socket may also be given another `inner_sock`, a field that is
//   there already: so that is looked up in every call.
// - A message stays in its channel until its reader runs, for the reader may be cancelled before.
//
// What is not here makes it no dearer than it must be, and no runtime: errors, timeouts of objects, what is replaced or set
// by rawset, second readers, who waits on other objects or in coroutines of its own, what is done to a socket while another
// task uses it, and the memory of channels that nobody has any more.

#ifndef FLOOR_H
#define FLOOR_H

#include <stdbool.h>
#include <stddef.h>

#include <lauxlib.h>
#include <lua.h>

typedef struct Channel Channel;

// tasks.c

// The task that runs.
extern lua_State *running;

// Values that must outlive the call that has them lie in the slots of a coroutine that never runs, a million at most: to
// move a value from stack to stack costs less than to look a place up in a table.
extern lua_State *values;
enum { NOTHING = 1 };
int take_slot(void);
void free_slot(int slot);

// It runs in its turn.
void make_ready(lua_State *task);
void make_reader_ready(Channel *channel);
void resume_task(lua_State *L, lua_State *task, int arguments);
// Only the task itself may wait, not a coroutine that it has made.
void wait_in_task(lua_State *L);
int spawn(lua_State *L);
int run(lua_State *L);
int sleep_for(lua_State *L);
void open_tasks(lua_State *L);

// timers.c

void start_timer(lua_State *task, double seconds);
bool any_timer(void);
// Makes ready who is due, and returns the milliseconds until somebody is, or -1.
int end_timers(void);

// objects.c

// Pushes the metatable of a class, whose methods have one upvalue, and returns its address.
const void *push_class(lua_State *L, const luaL_Reg *methods, const char *upvalue);
// Before a wait with the object at 1: an error if it is of another class or anything was replaced.
void see_unreplaced(lua_State *L, const void *class);

// channel.c

// With the oldest message.
void resume_reader(lua_State *L, Channel *channel);
void open_channels(lua_State *L);

// socket.c

// What the kernel tells of readiness, and who waits for it; inside each inner_sock.
typedef struct Descriptor Descriptor;
struct Descriptor {
    int number;
    bool ready, watched;
    lua_State *waiting;
    // Tries what the waiting task asked for, and pushes results onto its stack; none if it must wait further.
    int (*try)(lua_State *L, Descriptor *self);
};

// Whether any was waited for.
extern bool any_descriptor;
int wait_for(lua_State *L, const void *class, Descriptor *descriptor, int (*try)(lua_State *L, Descriptor *self));
// Resumes whoever can go on, after at most so many milliseconds.
void look_at_descriptors(lua_State *L, int milliseconds);

int socket_getsockname(lua_State *L);
// The socket at 1 of a method, whose upvalue is the name of the field.
void *inner_of(lua_State *L);
// Pushes a socket of the class at `metatable`, and returns its inner_sock of so many bytes.
void *push_socket(lua_State *L, int metatable, size_t size);
void open_sockets(lua_State *L);
void open_tcp(lua_State *L);
void open_udp(lua_State *L);

#endif
