/** Checks of what is worked out from series; test_dashboard_modules.py runs each in a browser. */

const T = 1_700_000_000;

/** @param {any} Ring @param {Array<[number, number|null]>} samples */
function ringOf(Ring, samples, capacity = 1000) {
  const ring = new Ring(capacity);
  for (const [time, value] of samples) ring.push(time, value);
  return ring;
}

/** A series with these samples, seconds after T. */
async function seriesWith(samples, more = {}, capacity = 1000) {
  const { Ring } = await import('/client/rings.js');
  const ring = ringOf(Ring, samples.map(([time, value]) => [T + time, value]), capacity);
  return { id: JSON.stringify(more.tags ?? {}), metric: 'm', tags: {}, unit: null, kind: 'gauge', help: null, interval: 1, unpaintedTime: NaN, ring, ...more };
}

/** As [seconds after T, value]. */
const told = ({ ring }) => ring.contents().times.map((time, at) => [Math.round((time - T) * 1000) / 1000, ring.contents().values[at]]);

/** @param {any} group @param {number} [now] seconds after T */
function settled(group, now = 1000) {
  for (let turn = 0; turn < 3; turn++) group.update(T + now, () => false);
  return told(group);
}

/** @param {any} group @param {any} series @param {Array<[number, number|null]>} samples that come now */
function say(group, series, samples) {
  for (const [time, value] of samples) series.ring.push(T + time, value);
  group.received(series, samples.map(([time]) => T + time));
}

/** @param {number} seed @returns {() => number} in [0, 1) */
function chance(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What a group of gauges (or counters) says, without any of its cleverness. */
function slowly(members, { aggregate, rate, step, until, patience }) {
  const samples = members.map(({ ring }) => ring.contents().times.map((time, at) => [time, ring.contents().values[at]]));
  const points = [];
  for (let bin = Math.ceil((T - 50) / step); bin <= Math.ceil((T + until) / step); bin++) {
    const [from, to] = [(bin - 1) * step, bin * step];
    const values = [];
    let newest = -Infinity;
    let gap = false;
    for (const those of samples) {
      const heard = those.filter(([time]) => time <= to && time >= to - patience);
      if (!heard.length) continue;
      const [time, value] = heard[heard.length - 1];
      if (time > from) newest = Math.max(newest, time);
      const own = Math.ceil(time / step) * step - step;
      const part = rate ? gain(those, own, time) : value;
      if (value === null) gap = true;
      if (part !== null) values.push(part);
    }
    if (newest > -Infinity && (values.length || gap)) points.push([newest, values.length || aggregate === PLAIN.count ? aggregate(values) : null]);
  }
  return points;
}

/** A second, of the samples up to `time` since the last one not after `from`. */
function gain(samples, from, time) {
  const until = samples.filter(([at]) => at <= time);
  let first = until.length - 1;
  let total = 0;
  while (first > 0 && until[first][0] > from && until[first][1] !== null && until[first - 1][1] !== null) {
    const [before, value] = [until[first - 1][1], until[first][1]];
    total += value >= before ? value - before : value;
    first--;
  }
  return first < until.length - 1 ? total / (time - until[first][0]) : null;
}

const PLAIN = {
  sum: (values) => values.reduce((a, b) => a + b, 0),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  count: (values) => values.length,
  p90: (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const rank = 0.9 * (sorted.length - 1);
    const low = Math.floor(rank);
    return low + 1 < sorted.length ? sorted[low] + (rank - low) * (sorted[low + 1] - sorted[low]) : sorted[low];
  },
};

/** @param {Array<[number, number|null]>} got @param {Array<[number, number|null]>} expected */
function near(got, expected, what) {
  const off = expected.findIndex(([time, value], at) => !got[at] || Math.abs(got[at][0] - time) > 6e-4 || (value === null) !== (got[at][1] === null) || Math.abs(got[at][1] - value) > 1e-6 * Math.max(1, Math.abs(value)));
  if (off >= 0 || got.length !== expected.length) throw new Error(`${what}: ${got.length} of ${expected.length}, at ${off}: ${JSON.stringify(got.slice(off - 1, off + 2))}, expected ${JSON.stringify(expected.slice(off - 1, off + 2))}`);
}

export const checks = {
  'aggregate.js: each by hand': async (m, same) => {
    const of = (name, ...values) => m.aggregateOf(name)(Float64Array.from([...values, 99, 99]), values.length);
    same(m.AGGREGATES.map((name) => Number(of(name, 4, 1, 3, 2).toFixed(9))), [10, 2.5, 1, 4, 4, 2.5, 3.7, 3.85, 3.97]);
    same(m.AGGREGATES.map((name) => of(name, -7)), [-7, -7, -7, -7, 1, -7, -7, -7, -7]);
    same(m.AGGREGATES.map((name) => of(name)), [NaN, NaN, NaN, NaN, 0, NaN, NaN, NaN, NaN]);
    same([of('mean', 1.5e308, 1.5e308), of('p50', -1.5e308, 1.5e308), of('p50', 10, 9, 100)], [1.5e308, 0, 10]);
  },
  'rate.js: a second; a counter that fell began anew; an explicit gap begins anew': async (m, same) => {
    const series = await seriesWith([[0, 100], [1, 110], [3, 150], [4, 5], [5, null], [6, 50], [7, 60]], { kind: 'counter' });
    const rate = new m.Rate(series, 100);
    same([rate.update() < Infinity, rate.update() < Infinity], [true, false]);
    same(told(rate), [[1, 10], [3, 20], [4, 5], [5, null], [7, 10]]);
  },
  'rate.js: only what is new is looked at, and what comes late changes its neighbours': async (m, same) => {
    const series = await seriesWith([[0, 0], [1, 10], [4, 40]], { kind: 'counter' });
    const rate = new m.Rate(series, 100);
    rate.update();
    const { received } = rate.ring;
    series.ring.push(T + 5, 60);
    rate.received([T + 5]);
    rate.update();
    same([told(rate), rate.ring.received - received], [[[1, 10], [4, 10], [5, 20]], 1]);
    series.ring.push(T + 2, 15);
    rate.received([T + 2]);
    rate.update();
    same(told(rate), [[1, 10], [2, 5], [4, 12.5], [5, 20]]);
  },
  'rate.js: where samples were lost the line is broken, with how many': async (m, same) => {
    const series = await seriesWith([[0, 0], [1, 10]], { kind: 'counter' });
    series.ring.breakLine(37);
    series.ring.push(T + 5, 50);
    series.ring.push(T + 6, 60);
    const rate = new m.Rate(series, 100);
    rate.update();
    same([told(rate), rate.ring.contents().breaks, rate.ring.losses], [[[1, 10], [5, 10], [6, 10]], [1], [{ until: T + 5, samples: 37 }]]);
    rate.received([T + 5]);
    rate.update();
    same([rate.ring.contents().breaks, rate.ring.losses.length], [[1], 1]);
  },
  'rate.js: units': async (m, same) => {
    same(['B', null, '1', 's', 'req', '€'].map(m.rateUnit), ['B/s', '1/s', '1/s', null, 'req/s', '€/s']);
  },
  'bins.js: every time is in one bin, its own': async (m, same) => {
    for (const step of [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60]) {
      const bins = new m.Bins(step);
      const random = chance(7);
      for (let turn = 0; turn < 2000; turn++) {
        const time = turn % 2 ? T + random() * 1e4 : bins.edge(Math.floor(1e9 * random()));
        const bin = bins.at(time);
        if (!(bins.edge(bin - 1) < time && time <= bins.edge(bin))) throw new Error(`${time} is not in bin ${bin} of ${step}`);
      }
    }
    same([new m.Bins(10).at(20), new m.Bins(10).at(20.001), new m.Bins(0.25).edge(5)], [2, 3, 1.25]);
  },
  'bins.js: the usual interval is a median, and a step stays for a while': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    same(m.usualInterval(ringOf(Ring, [[0, 1], [1, 1], [2, 1], [50, 1], [51, 1], [52, 1]])), 1);
    same([m.usualInterval(ringOf(Ring, [[0, 1]])), m.usualInterval(ringOf(Ring, []))], [NaN, NaN]);
    same([1.03, 0.97, 0.1, 9, 0.3, 3600, 1e-6].map((each) => m.stepFor(each)), [1, 1, 0.1, 10, 0.25, 60, 0.01]);
    same([m.stepFor(1.8, 1), m.stepFor(1.95, 1), m.stepFor(0.55, 1), m.stepFor(0.5, 1)], [1, 2, 1, 0.5]);
  },
  'group.js: samples of different moments are one: the last of each': async (m, same) => {
    const a = await seriesWith([[0.1, 1], [1.1, 2], [2.1, 3]]);
    const b = await seriesWith([[0.6, 10], [1.6, 20], [2.6, 30]]);
    const group = new m.Group('sum', 100);
    group.add(a, false);
    group.add(b, false);
    same(settled(group), [[0.6, 11], [1.6, 22], [2.6, 33]]);
    say(group, a, [[3.1, 4]]);
    same(settled(group).slice(-1), [[3.1, 34]]);
    say(group, b, [[3.6, 40]]);
    same(settled(group).slice(-2), [[2.6, 33], [3.6, 44]]);
  },
  'group.js: who is silent counts for three intervals, and no longer; an explicit gap ends at once': async (m, same) => {
    const ticking = Array.from({ length: 9 }, (_, at) => [at + 0.5, 1]);
    const a = await seriesWith(ticking);
    const b = await seriesWith([[0.5, 10], [1.5, 10], [2.5, 10]]);
    const c = await seriesWith([[0.5, 100], [1.5, 100], [2.5, null]]);
    const group = new m.Group('sum', 100);
    for (const each of [a, b, c]) group.add(each, false);
    same(settled(group), [[0.5, 111], [1.5, 111], [2.5, 11], [3.5, 11], [4.5, 11], [5.5, 1], [6.5, 1], [7.5, 1], [8.5, 1]]);
  },
  'group.js: nobody says anything: no samples; all say that there is nothing: a gap': async (m, same) => {
    const a = await seriesWith([[0.5, 1], [1.5, null], [2.5, null], [9.5, 3]]);
    const [sum, count] = ['sum', 'count'].map((name) => new m.Group(name, 100));
    for (const each of [sum, count]) each.add(a, false);
    same([settled(sum), settled(count)], [[[0.5, 1], [1.5, null], [2.5, null], [9.5, 3]], [[0.5, 1], [1.5, 0], [2.5, 0], [9.5, 1]]]);
  },
  'group.js: sum of rates, with resets, and a member that is new': async (m, same) => {
    const a = await seriesWith([[0.5, 100], [1.5, 110], [2.5, 5], [3.5, 25]], { kind: 'counter' });
    const b = await seriesWith([[2.5, 1000], [3.5, 1007]], { kind: 'counter' });
    const group = new m.Group('sum', 100);
    group.add(a, true);
    group.add(b, true);
    same(settled(group), [[1.5, 10], [2.5, 5], [3.5, 27]]);
  },
  'group.js: nothing that a counter gained is passed over, though two samples fall into one bin': async (m, same) => {
    const a = await seriesWith([[0.99, 0], [2.01, 10], [2.98, 20], [4.02, 30], [4.99, 40], [5.99, 50]], { kind: 'counter' });
    const group = new m.Group('sum', 100);
    group.add(a, true);
    const points = settled(group);
    same(points.map(([time]) => time), [2.98, 4.99, 5.99]);
    same(points.map(([, value]) => Math.round(value * 1e6) / 1e6), [10.050251, 9.950249, 10]);
  },
  'group.js: an extreme that lasted one sample is seen, though others follow in its bin': async (m, same) => {
    const a = await seriesWith([...Array.from({ length: 20 }, (_, at) => [at - 19.5, 5]), [1.1, 5], [1.3, 99], [1.5, 1], [1.7, 5]]);
    const of = (name) => {
      const group = new m.Group(name, 100);
      group.add(a, false);
      return settled(group).slice(-1)[0];
    };
    same([of('max'), of('min'), of('sum')], [[1.7, 99], [1.7, 1], [1.7, 5]]);
  },
  'group.js: what comes late is worked in where it belongs, however full': async (m, same) => {
    const a = await seriesWith(Array.from({ length: 8 }, (_, at) => [at + 0.5, 1]));
    const b = await seriesWith([[0.4, 10]]);
    const group = new m.Group('sum', 100);
    group.add(a, false);
    group.add(b, false);
    same(settled(group).map(([, value]) => value), [11, 11, 11, 1, 1, 1, 1, 1]);
    say(group, b, [[5.4, 20], [6.4, null]]);
    same(settled(group).map(([, value]) => value), [11, 11, 11, 1, 1, 21, 1, 1]);
    say(group, b, [[4.4, 7]]);
    same(settled(group).map(([, value]) => value), [11, 11, 11, 1, 8, 21, 1, 1]);
    same(told(group).map(([time]) => time), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]);
  },
  'group.js: where samples of a member were lost the line is broken, once': async (m, same) => {
    const a = await seriesWith([[0.5, 1], [1.5, 1]]);
    const b = await seriesWith([[0.6, 1], [1.6, 1]]);
    const group = new m.Group('sum', 100);
    for (const each of [a, b]) group.add(each, false);
    settled(group);
    b.ring.breakLine(12);
    say(group, b, [[4.6, 1]]);
    say(group, a, [[4.5, 1]]);
    same([settled(group), group.ring.contents().breaks, group.ring.losses], [[[0.6, 2], [1.6, 2], [4.6, 2]], [2], [{ until: T + 4.6, samples: 12 }]]);
    say(group, a, [[4.7, 3]]);
    same([settled(group).slice(-1), group.ring.contents().breaks, group.ring.losses], [[[4.7, 4]], [2], [{ until: T + 4.7, samples: 12 }]]);
  },
  'group.js: who is forgotten keeps what it said, and says no more; who comes, comes with its past': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const a = await seriesWith([[0.5, 1], [1.5, 1]]);
    const b = await seriesWith([[0.5, 10], [1.5, 10]]);
    const group = new m.Group('sum', 100);
    for (const each of [a, b]) group.add(each, false);
    settled(group);
    b.ring = new Ring(100);
    group.remove(b);
    say(group, a, [[2.5, 1]]);
    same(settled(group), [[0.5, 11], [1.5, 11], [2.5, 1]]);
    group.add(await seriesWith([[1.4, 100], [2.4, 100]]), false);
    same(settled(group), [[0.5, 11], [1.5, 101], [2.5, 101]]);
  },
  'group.js: before samples that a member has dropped nothing is known': async (m, same) => {
    const a = await seriesWith(Array.from({ length: 20 }, (_, at) => [at + 0.5, 1]), {}, 5);
    const b = await seriesWith(Array.from({ length: 20 }, (_, at) => [at + 0.4, 10]));
    const group = new m.Group('sum', 100);
    for (const each of [a, b]) group.add(each, false);
    same(settled(group), [15.5, 16.5, 17.5, 18.5, 19.5].map((time) => [time, 11]));
  },
  'group.js: a clock that is ahead speaks for nobody else': async (m, same) => {
    const a = await seriesWith([[0.5, 1], [1.5, 1], [2.5, 1]]);
    const b = await seriesWith([[3600.5, 10], [3601.5, 10], [3602.5, 10]]);
    const group = new m.Group('sum', 100);
    for (const each of [a, b]) group.add(each, false);
    same(settled(group, 3), [[0.5, 1], [1.5, 1], [2.5, 1]]);
    say(group, a, [[3.5, 2]]);
    same(settled(group, 4).slice(-1), [[3.5, 2]]);
  },
  'group.js: bins follow how often samples come': async (m, same) => {
    const a = await seriesWith([[0, 1]]);
    const group = new m.Group('sum', 100);
    group.add(a, false);
    same([settled(group), group.bins.stepS], [[[0, 1]], 1]);
    for (let at = 1; at <= 10; at++) say(group, a, [[10 * at, at]]);
    same([settled(group, 1010).length, group.bins.stepS], [11, 10]);
  },
  'group.js: memory is bounded, and a ring that is full still takes what is late': async (m, same) => {
    const a = await seriesWith([]);
    const group = new m.Group('sum', 50);
    group.add(a, false);
    for (let at = 0; at < 300; at++) {
      say(group, a, [[at + 0.5, at]]);
      if (at % 7 === 0) settled(group, at + 1);
    }
    settled(group);
    same([group.ring.length, group.dirty.size, told(group)[0], told(group)[49]], [50, 0, [250.5, 250], [299.5, 299]]);
    say(group, a, [[270.7, -1]]);
    same([settled(group).length, told(group)[20]], [50, [270.7, -1]]);
  },
  'group.js: as a plain, slow way has it, whatever comes in whatever order': async (m) => {
    for (let seed = 1; seed <= 24; seed++) {
      const random = chance(seed);
      const name = Object.keys(PLAIN)[seed % 4];
      const rate = seed % 3 === 0;
      const members = await Promise.all(Array.from({ length: 1 + (seed % 5) }, () => seriesWith([])));
      const group = new m.Group(name, 1000);
      for (const each of members) group.add(each, rate);
      const all = [];
      for (const series of members) {
        let [time, value] = [random(), 0];
        while (time < 60) {
          value = random() < 0.05 ? 0 : value + Math.floor(20 * random());
          all.push({ series, time, sample: [[time, random() < 0.05 ? null : rate ? value : value - 100]], due: time + (random() < 0.1 ? 10 * random() : 0) });
          time += random() < 0.05 ? 8 : 0.6 + 0.8 * random();
        }
      }
      all.sort((x, y) => x.due - y.due);
      for (const { series, sample, due } of all) {
        say(group, series, sample);
        if (random() < 0.5) group.update(T + due, () => random() < 0.3);
      }
      settled(group);
      // Both are asked with the patience that it found at last: every bin is worked out again with it.
      const patience = Math.max(...[...group.members.values()].map(({ patienceS }) => patienceS));
      for (const member of group.members.values()) member.patienceS = patience;
      for (let bin = Math.ceil(T); bin <= Math.ceil(T + 70); bin++) group.dirty.add(bin);
      settled(group);
      near(told(group), slowly(members, { aggregate: PLAIN[name], rate, step: group.bins.stepS, until: 70, patience }).map(([time, value]) => [time - T, value]), `seed ${seed} ${name}`);
    }
  },
  'group.js: five thousand members cost little a sample': async (m) => {
    const members = [];
    for (let at = 0; at < 5000; at++) members.push(await seriesWith(Array.from({ length: 60 }, (_, second) => [second + at / 5000, at])));
    const group = new m.Group('p99', 600);
    for (const each of members) group.add(each, false);
    settled(group, 60);
    const began = performance.now();
    for (let second = 60; second < 70; second++) {
      for (const each of members) say(group, each, [[second + 0.5, 1]]);
      group.update(T + second + 1, () => false);
    }
    const each = ((performance.now() - began) * 1000) / 50_000;
    if (each > 20) throw new Error(`${each} µs a sample`);
  },
  'derived.js: counters per second unless a panel says otherwise, gauges as they are': async (m, same) => {
    const [gauge, counter] = [await seriesWith([]), await seriesWith([], { kind: 'counter', unit: 'B' })];
    const shown = (how, series) => {
      const { unit, id } = new m.Derivation(how, 10).add(series);
      return [unit, id === series.id];
    };
    same([shown({}, gauge), shown({}, counter), shown({ rate: false }, counter), shown({ rate: true }, gauge), shown({ rate: null }, counter)], [[null, true], ['B/s', false], ['B', true], ['1/s', false], ['B/s', false]]);
    same([shown({ aggregate: 'sum' }, counter)[0], shown({ aggregate: 'count' }, counter)[0], shown({ aggregate: 'p99', unit: 'req' }, gauge)[0]], ['B/s', null, 'req']);
  },
  'derived.js: groups by tags, metrics apart, and whose last member goes is gone': async (m, same) => {
    const of = (tags, more = {}) => seriesWith([[0.5, 1], [1.5, 2]], { tags, ...more });
    const those = [await of({ route: '/a', host: 'x' }), await of({ route: '/a', host: 'y' }), await of({ route: '/b', host: 'x' }), await of({ host: 'x' }), await of({ route: '/a' }, { metric: 'other' })];
    const derivation = new m.Derivation({ aggregate: 'sum', group_by: ['route'] }, 10);
    const shown = those.map((each) => derivation.add(each));
    same(shown.map(({ metric, tags }) => [metric, tags]), [['m', { route: '/a' }], ['m', { route: '/a' }], ['m', { route: '/b' }], ['m', {}], ['other', { route: '/a' }]]);
    same([shown[0] === shown[1], derivation.derived.size, derivation.add(those[0]) === shown[0], shown[0].from.members.size], [true, 4, true, 2]);
    same([derivation.update(T + 100, () => false) - T, derivation.update(T + 100, () => false) === Infinity], [0, true]);
    same(told(shown[0]), [[0.5, 2], [1.5, 4]]);
    same([derivation.remove(those[0]), derivation.remove(those[1]) === shown[0], derivation.derived.size], [null, true, 3]);
    same([derivation.received(those[2], [T]), derivation.received(those[0], [T])], [true, false]);
  },
  'derived.js: another unit, and nothing else': async (m, same) => {
    const series = await seriesWith([[0, 1]], { unit: 'B' });
    const derivation = new m.Derivation({ unit: '%' }, 10);
    const shown = derivation.add(series);
    shown.unpaintedTime = 5;
    same([shown.unit, shown.id === series.id, shown.ring === series.ring, series.unpaintedTime, series.unit], ['%', true, true, 5, 'B']);
    same([derivation.add(series) === shown, derivation.received(series, [T]), derivation.remove(series) === shown], [true, false, true]);
  },
  'derived.js: as how many they are shown': async (m, same) => {
    const those = [['/a', 'x'], ['/a', 'y'], ['/b', 'x']].map(([route, host]) => ({ metric: 'm', tags: { route, host } }));
    same([{ aggregate: 'sum', group_by: ['route'] }, { aggregate: 'sum' }, { aggregate: 'max', group_by: ['host', 'route'] }, {}].map((how) => m.counted(how, [...those, { metric: 'n', tags: {} }])), [3, 2, 4, 4]);
  },
  'editing.js: tags by which series are grouped': async (m, same) => {
    same(['route, host', ' route,route ', 'a b', '', 'ro/ute', 'x'.repeat(65)].map(m.keysOf), [['route', 'host'], ['route'], ['a', 'b'], [], null, null]);
    same(m.keysOf(Array.from({ length: 17 }, (_, at) => `k${at}`).join()), null);
  },
  'form_field.js: numbers, or nothing': async (m, same) => {
    const { read, write } = m.number({ whole: true, least: 1, most: 200, expected: '' });
    same(['', ' 10 ', '0', '201', '1.5', 'x', '1e2'].map((each) => read(each) ?? null), [null, 10, null, null, null, null, 100]);
    same([read(''), read('x') === undefined, write(null), write(0), m.number({ expected: '' }).read('−2.5e-3')], [null, true, '', '0', -0.0025]);
  },
  'derived.js: in words': async (m, same) => {
    const [gauge, counter] = [{ kind: 'gauge' }, { kind: 'counter' }];
    same([m.wordsOf({}, [gauge]), m.wordsOf({}, [counter]), m.wordsOf({}, [counter, gauge]), m.wordsOf({ rate: false }, [counter])], ['', 'per second', 'counters per second', '']);
    same([m.wordsOf({ aggregate: 'sum', group_by: ['route', 'host'] }, [counter, counter]), m.wordsOf({ aggregate: 'p99' }, [gauge])], ['sum of 2 by route, host, per second', 'p99 of 1']);
  },
};
