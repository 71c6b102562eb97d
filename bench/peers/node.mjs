// One peer of Node's, as installed: nanoseconds of CPU of an awaited guarded call that succeeds, that fails, and
// that is refused. A line: name, success, failure, refused, with tabs between.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const ROUNDS = 7;
const ROUND_MS = 100;
const BURST = 100; // calls between two looks at the clock

const good = async () => 1;
const fault = new Error('connection reset');
const bad = async () => {
  throw fault;
};

const swallow = async (call) => {
  try {
    await call();
  } catch {
    // that it fails is the point
  }
};

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

// A round lasts so long, not so many calls: a peer may take milliseconds for one.
async function round(call) {
  const from = cpuMs();
  let calls = 0;
  let spent = 0;
  while (spent < ROUND_MS) {
    for (let i = 0; i < BURST; i++) {
      await call();
    }
    calls += BURST;
    spent = cpuMs() - from;
  }
  return (spent * 1e6) / calls;
}

async function cost(call) {
  const rounds = [];
  await round(call); // warms up
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push(await round(call));
  }
  return median(rounds);
}

// Ten buckets over ten seconds and a ratio rule, as ours; where it fails, kept from opening.
async function opossum() {
  const { default: CircuitBreaker } = await import('opossum');
  const options = { timeout: false, rollingCountTimeout: 10000, rollingCountBuckets: 10 };
  const passing = new CircuitBreaker(good, { ...options, volumeThreshold: 20 });
  const failing = new CircuitBreaker(bad, { ...options, volumeThreshold: 1e12 });
  const broken = new CircuitBreaker(good, { ...options, resetTimeout: 86400000 });
  broken.open();
  const success = await cost(() => passing.fire());
  passing.shutdown();
  const refused = await cost(() => swallow(() => broken.fire()));
  broken.shutdown();
  const failure = await cost(() => swallow(() => failing.fire()));
  failing.shutdown();
  return [success, failure, refused];
}

async function cockatiel() {
  const { circuitBreaker, handleAll, SamplingBreaker } = await import('cockatiel');
  const make = (threshold) =>
    circuitBreaker(handleAll, {
      halfOpenAfter: 86400000,
      breaker: new SamplingBreaker({ threshold, duration: 10000, minimumRps: 2 }),
    });
  const passing = make(0.5);
  const failing = make(0.999);
  const broken = make(0.5);
  broken.isolate();
  let turn = 0;
  // One success in a hundred keeps the failing one below its threshold.
  const fail = () => swallow(() => failing.execute(turn++ % 100 === 0 ? good : bad));
  return [
    await cost(() => passing.execute(good)),
    await cost(fail),
    await cost(() => swallow(() => broken.execute(good))),
  ];
}

async function bare() {
  return [await cost(good), await cost(() => swallow(bad)), '-'];
}

function version(name) {
  const entry = createRequire(import.meta.url).resolve.paths(name)[0];
  return JSON.parse(readFileSync(`${entry}/${name}/package.json`, 'utf8')).version;
}

const name = process.argv[2];
const peers = { opossum, cockatiel, bare };
const figures = await peers[name]();
const title = name === 'bare' ? '(no breaker, Node)' : `${name} ${version(name)} (Node)`;
console.log([title, ...figures].join('\t'));
