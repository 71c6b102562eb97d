/* The script that runs in Redis. */
#ifndef REDIS_LUA_H
#define REDIS_LUA_H

extern const char redis_lua_text[];
extern const char redis_lua_digest[]; /* its SHA-1, in hexadecimal */

#endif /* REDIS_LUA_H */
