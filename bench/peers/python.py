# Debian's circuitbreaker: nanoseconds of a guarded call that succeeds, that fails, and that is refused.
# A line: name, success, failure, refused, with tabs between.
import statistics
import sys
import time

ROUNDS = 7
ROUND_CALLS = 50_000


def good():
    return 1


def bad():
    raise ConnectionResetError


def swallow(call):
    try:
        call()
    except Exception:
        pass


def cost(call):
    rounds = []
    for _ in range(ROUNDS + 1):
        start = time.process_time_ns()
        for _ in range(ROUND_CALLS):
            call()
        rounds.append((time.process_time_ns() - start) / ROUND_CALLS)
    return statistics.median(rounds[1:])  # the first warms up


def circuitbreaker():
    from importlib.metadata import version

    from circuitbreaker import CircuitBreaker

    # It counts consecutive failures only; the bound is out of reach where it must not open.
    passing = CircuitBreaker(failure_threshold=20, name="passing")(good)
    failing = CircuitBreaker(failure_threshold=10**9, name="failing")(bad)
    broken = CircuitBreaker(failure_threshold=1, recovery_timeout=86400, name="broken")(bad)
    swallow(broken)
    name = "circuitbreaker " + version("circuitbreaker") + " (Python)"
    return [name, cost(passing), cost(lambda: swallow(failing)), cost(lambda: swallow(broken))]


def bare():
    return ["(no breaker, Python)", cost(good), cost(lambda: swallow(bad)), "-"]


peers = {"circuitbreaker": circuitbreaker, "bare": bare}
print(*peers[sys.argv[1]](), sep="\t")
