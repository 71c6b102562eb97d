/* Knows the one script that carries every transaction. ARGV[1] is the plan, a letter for the
 * guard and one for each verb (the letters of redis_script.c); what a verb needs follows in
 * order. The answer is {0, wall ms, result of each verb}, {1, wall, what stands, its length}
 * when the guard did not hold, {2, wall, error, which verb} when one failed. Numbers beyond 2^53
 * come as text, because a number of Lua would lose their end. Bells ring last, if all went well,
 * and whether they could is nobody's trouble, nor is whether a register could be kept; a key
 * that must not live for ever and cannot be told so is an error. The verbs of the busiest
 * transactions come first, and no function is made on the way: that halves what the script costs
 * beside its commands. */
#include "redis_lua.h"

/* clang-format off */
const char redis_lua_text[] =
"local call, time = redis.pcall, redis.call('TIME')\n"
"local answer = {0, time[1] * 1000 + math.floor(time[2] / 1000)}\n"
"local plan, key, arg, bells = ARGV[1], 0, 1, nil\n"
"local guard = plan:sub(1, 1)\n"
"if guard ~= '-' then\n"
"  key, arg = 1, guard == 'e' and 3 or 2\n"
"  local held = call('GET', KEYS[1])\n"
"  if type(held) == 'table' then return {2, answer[2], held.err, 0} end\n"
"  if held ~= (guard == 'e' and ARGV[3]) then\n"
"    return {1, answer[2], held and held:sub(1, ARGV[2]), held and #held or 0}\n"
"  end\n"
"end\n"
"for i = 2, #plan do\n"
"  local verb, r, k = plan:sub(i, i), 0, nil\n"
"  local a, b = ARGV[arg + 1], ARGV[arg + 2]\n"
"  if verb ~= 't' and verb ~= 'f' then key = key + 1 k = KEYS[key] end\n"
"  if verb == 'i' then -- by, ttl\n"
"    arg = arg + 2\n"
"    r = call('INCRBY', k, a)\n"
"    if type(r) == 'number' then\n"
"      if r >= 2^53 or r <= -2^53 then r = call('GET', k) end\n"
"      if b ~= '0' and (r == a or r == tonumber(a)) then redis.call('PEXPIRE', k, b) end\n"
"    end\n"
"  elseif verb == 'g' then -- room\n"
"    arg = arg + 1\n"
"    r = call('GET', k)\n"
"    if type(r) == 'string' and #r > tonumber(a) then r = #r end\n"
"  elseif verb == 's' then -- value, ttl\n"
"    arg = arg + 2\n"
"    if b == '0' then r = call('SET', k, a) else r = call('SET', k, a, 'PX', b) end\n"
"  elseif verb == 'a' then -- value, ttl\n"
"    arg = arg + 2\n"
"    if b == '0' then r = call('SET', k, a, 'NX') else r = call('SET', k, a, 'PX', b, 'NX') end\n"
"  elseif verb == 'd' then r = call('DEL', k)\n"
"  elseif verb == 'l' then -- cut, score, member, ttl\n"
"    local member, ttl = ARGV[arg + 3], ARGV[arg + 4]\n"
"    arg = arg + 4\n"
"    r = call('ZREMRANGEBYSCORE', k, '-inf', a)\n"
"    if type(r) == 'number' then r = call('ZADD', k, b, member) end\n"
"    if type(r) == 'number' then\n"
"      if ttl ~= '0' then redis.call('PEXPIRE', k, ttl) end\n"
"      r = call('ZCARD', k)\n"
"    end\n"
"  elseif verb == 'm' then -- member, ttl\n"
"    arg = arg + 2\n"
"    if type(call('SADD', k, a)) == 'number' and b ~= '0' then call('PEXPIRE', k, b) end\n"
"  elseif verb == 'h' then -- name, text, ttl\n"
"    local ttl = ARGV[arg + 3]\n"
"    arg = arg + 3\n"
"    if type(call('HSET', k, a, b)) == 'number' and ttl ~= '0' then call('PEXPIRE', k, ttl) end\n"
"  elseif verb == 't' then -- channel, value\n"
"    arg = arg + 2\n"
"    bells = bells or {}\n"
"    bells[#bells + 1] = {a, b}\n"
"  elseif verb == 'w' then r = call('SETRANGE', k, 0, '')\n"
"  elseif verb == 'f' then -- cursor, pattern\n"
"    local page = call('SCAN', a, 'MATCH', b, 'COUNT', 256)\n"
"    r = page.err and page or page[1]\n"
"    if not page.err and #page[2] > 0 then\n"
"      local gone = call('UNLINK', unpack(page[2]))\n"
"      if type(gone) == 'table' then r = gone end\n"
"    end\n"
"  end\n"
"  if type(r) == 'table' then\n"
"    if r.err then return {2, answer[2], r.err, i - 1} end\n"
"    r = 1\n"
"  end\n"
"  answer[i + 1] = r\n"
"end\n"
"for i = 1, bells and #bells or 0 do call('PUBLISH', bells[i][1], bells[i][2]) end\n"
"return answer\n";
/* clang-format on */

/* Of the text above; a test asks the server for it. */
const char redis_lua_digest[] = "37c56a29a40d02b18281a26f18b0e746b56cf806";
