// UDP.

#define _GNU_SOURCE

#include "floor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// As much as the rock takes of a datagram; so many are received by one system call.
enum { LONGEST = 8192, MOST = 32 };

// What has come: those from `next` to `count` are still to be taken.
typedef struct {
    unsigned next, count;
    struct mmsghdr headers[MOST];
    struct iovec places[MOST];
    struct sockaddr_in senders[MOST];
    char datagrams[MOST][LONGEST];
} Batch;

typedef struct {
    Descriptor descriptor;
    Batch *batch;
    // Whether the task wants to know who has sent it.
    bool from;
} Udp;

// The last address and its text, since who asks is who is answered.
static struct {
    in_addr_t address;
    size_t length;
    char text[INET_ADDRSTRLEN];
} known;

static const void *class;

static Udp *udp_of(lua_State *L) {
    return inner_of(L);
}

// Of its memory only what datagrams fill is ever touched.
static Batch *new_batch(void) {
    Batch *batch = calloc(1, sizeof *batch);
    for (int each = 0; each < MOST; each++) {
        batch->places[each] = (struct iovec){ batch->datagrams[each], LONGEST };
        batch->headers[each].msg_hdr = (struct msghdr){
            .msg_name = &batch->senders[each],
            .msg_namelen = sizeof batch->senders[each],
            .msg_iov = &batch->places[each],
            .msg_iovlen = 1,
        };
    }
    return batch;
}

static int try_receive(lua_State *L, Descriptor *self) {
    Udp *udp = (Udp *)self;
    Batch *batch = udp->batch;
    if (batch->next == batch->count) {
        int count = self->ready ? recvmmsg(self->number, batch->headers, MOST, MSG_DONTWAIT, NULL) : -1;
        // Fewer than could be taken were all.
        self->ready = count == MOST;
        if (count < 0) {
            return 0;
        }
        batch->next = 0;
        batch->count = (unsigned)count;
    }
    unsigned place = batch->next++;
    struct sockaddr_in sender = batch->senders[place];
    lua_pushlstring(L, batch->datagrams[place], batch->headers[place].msg_len);
    if (!udp->from) {
        return 1;
    }
    if (sender.sin_addr.s_addr != known.address || !known.length) {
        inet_ntop(AF_INET, &sender.sin_addr, known.text, sizeof known.text);
        known.length = strlen(known.text);
        known.address = sender.sin_addr.s_addr;
    }
    lua_pushlstring(L, known.text, known.length);
    lua_pushinteger(L, ntohs(sender.sin_port));
    return 3;
}

static int receive(lua_State *L, bool from) {
    Udp *udp = udp_of(L);
    udp->from = from;
    int results = try_receive(L, &udp->descriptor);
    return results ? results : wait_for(L, class, &udp->descriptor, try_receive);
}

static int udp_receive(lua_State *L) {
    return receive(L, false);
}

static int udp_receivefrom(lua_State *L) {
    return receive(L, true);
}

static int sent(lua_State *L, ssize_t count, size_t length) {
    luaL_argcheck(L, count == (ssize_t)length, 2, "not all was taken");
    lua_pushinteger(L, 1);
    return 1;
}

static int udp_send(lua_State *L) {
    size_t length;
    const char *data = lua_tolstring(L, 2, &length);
    Udp *udp = udp_of(L);
    return sent(L, send(udp->descriptor.number, data, length, MSG_DONTWAIT), length);
}

// The address of the text and the port at 3 and 4, or at 2 and 3.
static struct sockaddr_in address_at(lua_State *L, int host) {
    in_port_t port = htons((in_port_t)lua_tointeger(L, host + 1));
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = known.address };
    size_t length;
    const char *text = lua_tolstring(L, host, &length);
    if (length != known.length || memcmp(text, known.text, length)) {
        luaL_argcheck(L, inet_pton(AF_INET, text, &address.sin_addr) == 1, host, "address expected");
    }
    return address;
}

static int udp_sendto(lua_State *L) {
    size_t length;
    const char *data = lua_tolstring(L, 2, &length);
    struct sockaddr_in to = address_at(L, 3);
    int number = udp_of(L)->descriptor.number;
    return sent(L, sendto(number, data, length, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to), length);
}

static int name_by(lua_State *L, int (*name)(int number, const struct sockaddr *address, socklen_t length)) {
    struct sockaddr_in address = address_at(L, 2);
    lua_pushinteger(L, !name(udp_of(L)->descriptor.number, (struct sockaddr *)&address, sizeof address));
    return 1;
}

static int udp_setsockname(lua_State *L) {
    return name_by(L, bind);
}

static int udp_setpeername(lua_State *L) {
    return name_by(L, connect);
}

// udp(): upvalue 1 is the metatable.
static int new_udp(lua_State *L) {
    int number = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    Udp *udp = push_socket(L, lua_upvalueindex(1), sizeof *udp);
    *udp = (Udp){ .descriptor = { .number = number, .ready = true }, .batch = new_batch() };
    return 1;
}

// Sets `udp` in the table at the top.
void open_udp(lua_State *L) {
    static const luaL_Reg methods[] = {
        { "receive", udp_receive },
        { "receivefrom", udp_receivefrom },
        { "send", udp_send },
        { "sendto", udp_sendto },
        { "setsockname", udp_setsockname },
        { "setpeername", udp_setpeername },
        { "getsockname", socket_getsockname },
        { NULL, NULL },
    };
    class = push_class(L, methods, "inner_sock");
    lua_pushcclosure(L, new_udp, 1);
    lua_setfield(L, -2, "udp");
}
