// Channels.

#include "floor.h"

#include <stdint.h>
#include <stdlib.h>

// The slots of the messages, in a ring; `mask` is its length less one.
struct Channel {
    lua_State *reader;
    int *messages;
    unsigned first, last, mask;
    int one;
    // Whether the reader waits and was not made ready.
    bool waits;
    bool closed;
};

// The channels by the addresses of their halves, which say nothing of themselves: open addressing.
typedef struct {
    const void *half;
    Channel *channel;
} Half;

static Half *halves;
static size_t known, places;

static const void *receivers;

static size_t home(const void *half) {
    return (size_t)((uintptr_t)half * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (places - 1);
}

static Half *find(const void *half) {
    size_t place = home(half);
    while (halves[place].half != half && halves[place].half) {
        place = (place + 1) & (places - 1);
    }
    return &halves[place];
}

static void know(const void *half, Channel *channel) {
    if (2 * ++known > places) {
        Half *fewer = halves;
        size_t before = places;
        places = places ? 2 * places : 64;
        halves = calloc(places, sizeof *halves);
        for (size_t place = 0; place < before; place++) {
            if (fewer[place].half) {
                *find(fewer[place].half) = fewer[place];
            }
        }
        free(fewer);
    }
    *find(half) = (Half){ half, channel };
}

static Channel *channel_of(lua_State *L) {
    Channel *channel = find(lua_topointer(L, 1))->channel;
    luaL_argcheck(L, channel, 1, "channel expected");
    return channel;
}

static void grow(Channel *channel) {
    unsigned length = channel->mask + 1, longer = 2 * length;
    int *wider = malloc(longer * sizeof *wider);
    for (unsigned place = channel->first; place != channel->last; place++) {
        wider[place & (longer - 1)] = channel->messages[place & channel->mask];
    }
    if (channel->messages != &channel->one) {
        free(channel->messages);
    }
    channel->messages = wider;
    channel->mask = longer - 1;
}

static void wake_reader(Channel *channel) {
    if (channel->waits) {
        channel->waits = false;
        make_reader_ready(channel);
    }
}

static int channel_send(lua_State *L) {
    Channel *channel = channel_of(L);
    if (channel->last - channel->first > channel->mask) {
        grow(channel);
    }
    int slot = take_slot();
    channel->messages[channel->last++ & channel->mask] = slot;
    if (lua_gettop(L) != 2) {
        lua_settop(L, 2);
    }
    lua_xmove(L, values, 1);
    lua_replace(values, slot);
    wake_reader(channel);
    lua_pushboolean(L, 1);
    return 1;
}

// Pushes the oldest message; nil at the end.
static int take_message(lua_State *L, Channel *channel) {
    if (channel->first == channel->last) {
        lua_pushnil(L);
        lua_pushliteral(L, "closed");
        return 2;
    }
    int slot = channel->messages[channel->first++ & channel->mask];
    lua_pushvalue(values, slot);
    lua_xmove(values, L, 1);
    // Whoever has it may let go of it.
    lua_copy(values, NOTHING, slot);
    free_slot(slot);
    return 1;
}

void resume_reader(lua_State *L, Channel *channel) {
    resume_task(L, channel->reader, take_message(channel->reader, channel));
}

static int channel_receive(lua_State *L) {
    Channel *channel = channel_of(L);
    if (channel->first != channel->last || channel->closed) {
        return take_message(L, channel);
    }
    wait_in_task(L);
    see_unreplaced(L, receivers);
    channel->reader = L;
    channel->waits = true;
    return lua_yield(L, 0);
}

static int channel_close(lua_State *L) {
    Channel *channel = channel_of(L);
    channel->closed = true;
    wake_reader(channel);
    return 0;
}

// channel.new(): upvalues 1 and 2 are the metatables of senders and of receivers.
static int channel_new(lua_State *L) {
    Channel *channel = calloc(1, sizeof *channel);
    channel->messages = &channel->one;
    for (int half = 1; half <= 2; half++) {
        lua_createtable(L, 0, 0);
        know(lua_topointer(L, -1), channel);
        lua_pushvalue(L, lua_upvalueindex(half));
        lua_setmetatable(L, -2);
    }
    return 2;
}

// Sets `channel` in the table at the top.
void open_channels(lua_State *L) {
    static const luaL_Reg sender[] = { { "send", channel_send }, { "close", channel_close }, { NULL, NULL } };
    static const luaL_Reg receiver[] = { { "receive", channel_receive }, { "close", channel_close }, { NULL, NULL } };
    lua_newtable(L);
    push_class(L, sender, NULL);
    receivers = push_class(L, receiver, NULL);
    lua_pushcclosure(L, channel_new, 2);
    lua_setfield(L, -2, "new");
    lua_setfield(L, -2, "channel");
}
