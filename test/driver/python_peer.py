"""Writes and reads the keys of the circuits as their originals do, beside a drive that shares them."""

import json
import subprocess
import sys
import time
import uuid

import redis

drive, socket = sys.argv[1:]
client = redis.Redis(unix_socket_path=socket)
for _ in range(200):
    try:
        client.ping()
        break
    except redis.ConnectionError:
        time.sleep(0.05)


class Drive:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [drive, "--storage", "unix:" + socket, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.events = []
        self.ask("state")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        while True:
            answer = json.loads(self.process.stdout.readline())
            if "event" not in answer:
                return answer
            self.events.append(answer)

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


def is_equal(found, wanted):
    assert found == wanted, (found, wanted)


def pybreaker():
    c = Drive("--dialect", "pybreaker", "--namespace", "ns", "--fail-max", "3", "--reset-timeout", "60")
    is_equal(client.get("ns:pybreaker:state"), b"closed")
    client.incr("ns:pybreaker:fail_counter")  # a failure in Python
    c.ask("call fail")
    is_equal(client.get("ns:pybreaker:fail_counter"), b"2")
    is_equal(c.ask("call fail")["tripped"], True)
    is_equal(client.get("ns:pybreaker:state"), b"open")
    assert abs(int(client.get("ns:pybreaker:opened_at")) - time.time()) < 30
    with client.pipeline() as p:  # the pause is over by Python's clock, and its trial succeeds
        p.set("ns:pybreaker:fail_counter", 0)
        p.set("ns:pybreaker:success_counter", 0)
        p.set("ns:pybreaker:state", "closed")
        p.execute()
    is_equal(c.ask("state")["state"], "PASSING")
    is_equal(c.ask("call ok")["admitted"], True)

    def opens(p):  # as CircuitRedisStorage does
        stored = p.get("ns:pybreaker:opened_at")
        now = int(time.time())
        p.multi()
        if stored is None or int(stored) < now:
            p.set("ns:pybreaker:opened_at", now)

    client.transaction(opens, "ns:pybreaker:opened_at")
    client.set("ns:pybreaker:success_counter", 0)
    client.set("ns:pybreaker:state", "open")
    is_equal(c.ask("call ok")["admitted"], False)
    assert any(e["to"] == "BROKEN" and e["by"] == "elsewhere" for e in c.events)
    c.end()


def lasier():
    c = Drive("--dialect", "lasier", "--failure-key", "f", "--max-failures", "2",
              "--failure-timeout", "60", "--circuit-timeout", "90")
    c.ask("call fail")
    assert 50 < client.ttl("f") <= 60
    is_equal(client.incr("f"), 2)
    c.ask("call fail")
    is_equal(client.get("circuit_f"), b"1")
    is_equal(c.ask("call ok")["admitted"], False)
    client.delete("circuit_f")
    is_equal(c.ask("call ok")["admitted"], True)
    client.set("circuit_f", 1, ex=90)
    is_equal(c.ask("call ok")["admitted"], False)
    c.end()


def requests():
    c = Drive("--dialect", "requests", "--service", "svc", "--minimum-failures", "2", "--ttl", "60")
    is_equal(client.smembers("all_breakers"), {b"svc-PercentCB"})
    is_equal(client.hget("svc-PercentCB-config", "type"), b"PercentCB")
    c.ask("call fail")
    ((member, score),) = client.zrange("svc-PercentCB-error", 0, -1, withscores=True)
    is_equal(len(uuid.UUID(bytes=member).bytes), 16)
    assert abs(score - time.time()) < 30
    client.zadd("svc-PercentCB-count", {uuid.uuid4().bytes: time.time()})
    client.zadd("svc-PercentCB-error", {uuid.uuid4().bytes: time.time()})
    is_equal(c.ask("call fail")["errors"], 3)
    assert abs(int(client.get("svc-PercentCB")) - time.time()) < 30
    client.set("svc-PercentCB", 0)
    is_equal(c.ask("call ok")["admitted"], True)
    c.end()


pybreaker()
lasier()
requests()
print("well")
