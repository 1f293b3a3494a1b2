// TCP: lines and counts of bytes.

#define _GNU_SOURCE

#include "floor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    Descriptor descriptor;
    // How much is to be received; 0 is a line.
    size_t wanted;
    // What came and was not taken: in `shared` if that is its own, else in a block for itself.
    char *block;
    size_t from, to;
} Tcp;

// One buffer serves all sockets, since nearly all take what has come at once. `owner` may have a rest in it.
static char shared[65536];
static Tcp *owner;

static const void *class;

static char *bytes_of(Tcp *tcp) {
    return tcp == owner ? shared : tcp->block;
}

static Tcp *tcp_of(lua_State *L) {
    return inner_of(L);
}

// The owner's rest moves into a block of its own.
static void disown(void) {
    size_t rest = owner->to - owner->from;
    owner->block = malloc(rest);
    memcpy(owner->block, shared + owner->from, rest);
    owner->from = 0;
    owner->to = rest;
}

// Gives the shared buffer to `tcp`, with its rest at the beginning.
static void own(Tcp *tcp) {
    size_t rest = tcp->to - tcp->from;
    if (tcp != owner && owner && owner->from != owner->to) {
        disown();
    }
    if (rest) {
        memmove(shared, bytes_of(tcp) + tcp->from, rest);
    }
    if (tcp->block) {
        free(tcp->block);
        tcp->block = NULL;
    }
    owner = tcp;
    tcp->from = 0;
    tcp->to = rest;
}

// Pushes what is wanted if it has come.
static inline int take(lua_State *L, Tcp *tcp, size_t wanted) {
    size_t rest = tcp->to - tcp->from;
    if (rest < wanted + !wanted) {
        return 0;
    }
    const char *start = bytes_of(tcp) + tcp->from;
    if (wanted) {
        tcp->from += wanted;
        lua_pushlstring(L, start, wanted);
        return 1;
    }
    const char *end = memchr(start, '\n', rest);
    if (!end) {
        return 0;
    }
    tcp->from += (size_t)(end + 1 - start);
    // The newline, and a carriage return before it, are not of the line.
    lua_pushlstring(L, start, (size_t)(end - start) - (end > start && end[-1] == '\r'));
    return 1;
}

// Receives until there is what the task waits for, or nothing more.
static int try_receive(lua_State *L, Descriptor *self) {
    Tcp *tcp = (Tcp *)self;
    while (self->ready) {
        own(tcp);
        size_t room = sizeof shared - tcp->to;
        ssize_t count = recv(self->number, shared + tcp->to, room, MSG_DONTWAIT);
        if (count <= 0) {
            self->ready = false;
            if (count < 0 && errno == EAGAIN) {
                return 0;
            }
            lua_pushnil(L);
            lua_pushliteral(L, "closed");
            return 2;
        }
        // What is less than there is room for was all.
        self->ready = (size_t)count == room;
        tcp->to += (size_t)count;
        int results = take(L, tcp, tcp->wanted);
        if (results) {
            return results;
        }
    }
    return 0;
}

static int tcp_receive(lua_State *L) {
    // It is a number, or there is none.
    size_t wanted = lua_gettop(L) == 1 ? 0 : (size_t)lua_tointeger(L, 2);
    Tcp *tcp = tcp_of(L);
    int results = take(L, tcp, wanted);
    if (!results) {
        tcp->wanted = wanted;
        results = try_receive(L, &tcp->descriptor);
    }
    return results ? results : wait_for(L, class, &tcp->descriptor, try_receive);
}

static int tcp_send(lua_State *L) {
    Tcp *tcp = tcp_of(L);
    size_t length;
    const char *data = lua_tolstring(L, 2, &length);
    ssize_t sent = send(tcp->descriptor.number, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    luaL_argcheck(L, sent == (ssize_t)length, 2, "not all was taken");
    // As the rock: how far it came, and neither an error nor how far it came before that.
    lua_pushnumber(L, (lua_Number)sent);
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
}

static int tcp_close(lua_State *L) {
    Tcp *tcp = tcp_of(L);
    if (tcp == owner) {
        owner = NULL;
    }
    free(tcp->block);
    tcp->block = NULL;
    tcp->from = tcp->to = 0;
    close(tcp->descriptor.number);
    tcp->descriptor.number = -1;
    lua_pushinteger(L, 1);
    return 1;
}

// setoption("tcp-nodelay", true), which is all that the programs set.
static int tcp_setoption(lua_State *L) {
    int fails = setsockopt(tcp_of(L)->descriptor.number, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    lua_pushinteger(L, !fails);
    return 1;
}

static int tcp_settimeout(lua_State *L) {
    luaL_argcheck(L, lua_isnil(L, 2), 2, "there are no timeouts");
    lua_pushinteger(L, 1);
    return 1;
}

// A `ready` one is tried before it is waited for.
static void push_tcp(lua_State *L, int metatable, int number, bool ready) {
    Tcp *tcp = push_socket(L, metatable, sizeof *tcp);
    *tcp = (Tcp){ .descriptor = { .number = number, .ready = ready } };
}

static int try_accept(lua_State *L, Descriptor *self) {
    int number = self->ready ? accept4(self->number, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (number < 0) {
        self->ready = false;
        return 0;
    }
    lua_getmetatable(L, 1);
    push_tcp(L, -1, number, true);
    return 1;
}

static int tcp_accept(lua_State *L) {
    Descriptor *descriptor = &tcp_of(L)->descriptor;
    int results = try_accept(L, descriptor);
    return results ? results : wait_for(L, class, descriptor, try_accept);
}

static struct sockaddr_in loopback(lua_State *L) {
    in_port_t port = htons((in_port_t)luaL_checkinteger(L, 2));
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

// bind("127.0.0.1", port, backlog): upvalue 1 is the metatable.
static int bind_tcp(lua_State *L) {
    struct sockaddr_in address = loopback(L);
    int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(number, (struct sockaddr *)&address, sizeof address) || listen(number, (int)luaL_optinteger(L, 3, 32))) {
        return luaL_error(L, "there is no port");
    }
    push_tcp(L, lua_upvalueindex(1), number, true);
    return 1;
}

// connect("127.0.0.1", port), which on one machine is done at once.
static int connect_tcp(lua_State *L) {
    struct sockaddr_in address = loopback(L);
    int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(number, (struct sockaddr *)&address, sizeof address)) {
        return luaL_error(L, "there is no server");
    }
    push_tcp(L, lua_upvalueindex(1), number, false);
    return 1;
}

// Sets `bind` and `connect` in the table at the top.
void open_tcp(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "receive", tcp_receive },
        { "send", tcp_send },
        { "close", tcp_close },
        { "accept", tcp_accept },
        { "setoption", tcp_setoption },
        { "settimeout", tcp_settimeout },
        { "getsockname", socket_getsockname },
        { NULL, NULL },
    };
    class = push_class(L, methods, "inner_sock");
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, bind_tcp, 1);
    lua_setfield(L, -3, "bind");
    lua_pushcclosure(L, connect_tcp, 1);
    lua_setfield(L, -2, "connect");
}
