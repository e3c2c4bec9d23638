/** Checks of the dashboard's pure modules; test_dashboard_modules.py runs each in a browser. */

export const checks = {
  'client/rings.js: late samples go where they belong': async (m, same) => {
    const ring = new m.Ring(10);
    for (const [time, value] of [[1, 10], [3, 30], [2, 20], [3, 31]]) ring.push(time, value);
    same(ring.contents(), { times: [1, 2, 3, 3], values: [10, 20, 30, 31], breaks: [] });
    same([ring.from(2), ring.after(3), ring.lastValue], [1, 4, 31]);
    const later = new m.Ring(100);
    [1e9 + 5, 1e9 + 1, 1e9 + 4, 1e9 + 2, 1e9 + 3].forEach((time) => later.push(time, time));
    same(later.contents().times, [1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4, 1e9 + 5]);
  },
  'client/rings.js: the oldest go, however often the buffer turns over': async (m, same) => {
    const ring = new m.Ring(100);
    for (let at = 0; at < 5000; at++) ring.push(at, -at);
    same([ring.length, ring.received], [100, 5000]);
    same(ring.contents().times, Array.from({ length: 100 }, (_, at) => 4900 + at));
    same(ring.contents().values, Array.from({ length: 100 }, (_, at) => -4900 - at));
  },
  'client/rings.js: null is a gap, and nothing else': async (m, same) => {
    const ring = new m.Ring(10);
    ring.push(1, 1); ring.push(2, null); ring.push(3, 0);
    same(ring.contents().values, [1, null, 0]);
  },
  'client/rings.js: a history that comes again confirms what is held, and adds what is new': async (m, same) => {
    const ring = new m.Ring(10);
    for (const [time, value] of [[1, 1], [2, 2], [2, 2], [3, null]]) ring.push(time, value);
    ring.age();
    same([[2, 2], [2, 2], [3, null], [4, 4]].map(([time, value]) => ring.push(time, value)), [false, false, false, true]);
    same(ring.contents(), { times: [1, 2, 2, 3, 4], values: [1, 2, 2, null, 4], breaks: [] });
    same(ring.push(2, 2), true);
  },
  'client/rings.js: what was lost breaks the line once': async (m, same) => {
    const ring = new m.Ring(10);
    ring.push(1, 1); ring.breakLine(); ring.push(2, 2); ring.push(3, 3);
    same(ring.contents().breaks, [1]);
    ring.age(); ring.push(9, 9);
    same(ring.contents().breaks, [1, 3]);
  },
  'client/store.js: who is silent while others could be heard is forgotten, and is there again when it speaks': async (m, same) => {
    const store = new m.Store(10, 60, () => 0);
    const said = [];
    store.onDescribed = ({ metric }) => said.push(`+${metric}`);
    store.onForgotten = ({ metric }) => said.push(`-${metric}`);
    store.connected([{ key: 1, metric: 'a', tags: {}, kind: 'gauge' }, { key: 2, metric: 'b', tags: {}, kind: 'event' }]);
    store.pass(50);
    store.take([[1, [1, 2], [10, 20]]], 'live');
    store.pass(50);
    same([said, [...store.series.values()].map(({ metric }) => metric)], [['+a', '+b', '-b'], ['a']]);
    store.take([[2, [5], ['again']]], 'live');
    same([said.length, store.series.get(m.identity('b')).ring.length, store.series.get(m.identity('a')).ring.length], [4, 1, 2]);
    const forever = new m.Store(10, 0, () => 0);
    forever.connected([{ key: 1, metric: 'a', tags: {}, kind: 'gauge' }]);
    forever.pass(1e9);
    same(forever.series.size, 1);
  },
  'client/rings.js: events come once, in order, and stay few': async (m, same) => {
    const ring = new m.EventRing(3);
    ring.push(2, 'b'); ring.push(1, 'a'); ring.age();
    same([ring.push(1, 'a'), ring.push(3, 'c'), ring.push(4, 'd')], [false, true, true]);
    same(ring.contents().values, ['b', 'c', 'd']);
  },
  'decimate.js: every sample in view and the next beyond each edge': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const ring = new Ring(5000), line = m.emptyLine();
    for (let at = 0; at < 2000; at++) ring.push(at, at % 7);
    m.collect(ring, 500, 1499, 400, line);
    same([line.samples, line.count, line.decimated, line.points[0], line.points[2 * line.count - 2]], [1002, 1002, false, 499, 1500]);
  },
  'decimate.js: spikes survive, both ways, and so do gaps': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const ring = new Ring(50000), line = m.emptyLine();
    for (let at = 0; at < 40000; at++) ring.push(at, at === 12345 ? 99 : at === 23456 ? -99 : at === 30000 ? null : at % 3);
    m.collect(ring, 0, 40000, 300, line);
    same([line.decimated, line.samples, line.low, line.high], [true, 40000, -99, 99]);
    same(line.count <= 4 * 302 + 8, true);
    const held = Array.from({ length: line.count }, (_, at) => [line.points[2 * at], line.points[2 * at + 1]]);
    same(held.some(([time, value]) => time === 12345 && value === 99), true);
    same(held.some(([time, value]) => time === 30000 && Number.isNaN(value)), true);
    same(held.every(([time], at) => at === 0 || time >= held[at - 1][0]), true);
  },
  'decimate.js: gaps and losses break the path, a lone sample is a dot': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const ring = new Ring(50), line = m.emptyLine();
    ring.push(0, 0); ring.push(1, 1); ring.push(2, null); ring.push(3, 3); ring.breakLine(); ring.push(4, 4); ring.push(5, 5);
    m.collect(ring, 0, 5, 100, line);
    same(m.pathData(line, 0, 10, 5, -10), 'M0,50L10,40M30,20h0M40,10L50,0');
  },
  'decimate.js: a silence is a gap, with few samples and with many; nothing that is usual is one': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const held = (times) => { const ring = new Ring(50000); for (const time of times) ring.push(time, 1); return ring; };
    const starts = (ring, to, width) => { const line = m.emptyLine(); m.collect(ring, 0, to, width, line); return [line.decimated, m.pathData(line, 0, 1, 2, -1).split('M').length - 1, line.lost.length]; };
    const every = (step, from, count) => Array.from({ length: count }, (_, at) => from + at * step);
    const twoRuns = [...every(0.1, 0, 1000), ...every(0.1, 130, 1000)];
    same([starts(held(twoRuns), 300, 1000), starts(held(twoRuns), 300, 200)], [[false, 2, 0], [true, 2, 0]]);
    same(starts(held([...every(0.1, 0, 1000), 130]), 300, 1000), [false, 2, 0]);
    same(starts(held([0, 1, 2, 60, 61]), 100, 100), [false, 1, 0]); // too few to tell
    same(starts(held(every(10, 0, 40).flatMap((time) => [time, time + 0.1, time + 0.2])), 400, 1000), [false, 1, 0]); // bursts
    same(starts(held([...every(30, 0, 20), ...every(1, 601, 60)]), 700, 1000), [false, 1, 0]); // seldom once, often now
    same(starts(held([...every(0.1, 0, 100), ...every(0.1, 12, 100)]), 30, 1000), [false, 1, 0]); // 2 s
  },
  'value_axis.js: it fits the values, stays while it does, and has no zero that most of it would be empty for': async (m, same) => {
    const none = { low: Infinity, high: -Infinity }, unknown = { low: NaN, high: NaN, size: 0, ticks: [] };
    const ends = ({ low, high }) => [low, high];
    const first = m.axisFor(unknown, true, { low: 900, high: 900 }, null, {});
    same(ends(m.axisFor(unknown, true, none, null, {})), [0, 1]);
    same([ends(first), m.axisFor(first, true, none, null, {}) === first], [[0, 1000], true]);
    const wide = m.axisFor(first, true, { low: 820, high: 980 }, null, {});
    same([ends(wide), m.axisFor(wide, true, { low: 850, high: 950 }, null, {}) === wide], [[800, 1000], true]);
    const share = m.axisFor(unknown, true, { low: 61, high: 62 }, '%', {});
    same([ends(share), m.axisFor(share, true, { low: 60, high: 66 }, '%', {}) === share], [[0, 80], true]);
  },
  'value_axis.js: chosen ends are kept, whatever the values are': async (m, same) => {
    const unknown = { low: NaN, high: NaN, size: 0, ticks: [] };
    const fit = (values, chosen, held = unknown) => { const { low, high, ticks } = m.axisFor(held, true, values, null, chosen); return [low, high, ticks]; };
    same(fit({ low: 3, high: 500 }, { min: 0, max: 2 }), [0, 2, [0, 0.5, 1, 1.5, 2]]);
    same(fit({ low: 0.1, high: 2 }, { min: -0.25, max: null }), [-0.25, 2.5, [0, 0.5, 1, 1.5, 2, 2.5]]);
    same(fit({ low: 5, high: 9 }, { max: 10 }).slice(0, 2), [0, 10]);
    same([fit({ low: -9, high: -5 }, { min: 0 }).slice(0, 2), fit({ low: 7, high: 9 }, { max: -2 }).slice(0, 2), fit({ low: Infinity, high: -Infinity }, { min: 3 }).slice(0, 2)], [[0, 1.25], [-4.5, -2], [3, 7]]);
    const held = m.axisFor(unknown, true, { low: 1, high: 9 }, null, {});
    same(fit({ low: 1, high: 9 }, { min: 0, max: 5 }, held).slice(0, 2), [0, 5]);
  },
  'client/backoff.js: the protocol’s schedule': async (m, same) => {
    const backoff = new m.Backoff(() => 0.5);
    const waits = [1, 2, 3, 4, 5, 6].map((now) => { const wait = backoff.failed(now); return [wait, backoff.exhausted]; });
    same(waits, [[0.5, false], [1, false], [2, false], [4, false], [15, true], [15, true]]);
    backoff.connected(10); same([backoff.failed(39), backoff.failures], [15, 7]);
    backoff.connected(50); same([backoff.failed(80), backoff.failures], [0.5, 1]);
    same(backoff.failed(81, [2, 6]), 4);
  },
  'client/chain.js: a hole that nobody announced is seen': async (m, same) => {
    const chain = new m.Chain();
    same(chain.request(), null);
    same(chain.subscribed('e', { seq: 5, resumed: false }), false);
    same([chain.live({ seq: 7, prev: 5, cursor: 'a' }), chain.live({ seq: 9, prev: 8, cursor: 'b' })], [true, false]);
    same([chain.gap({ from: 9, to: 20 }), chain.live({ seq: 21, prev: 20, cursor: 'c' })], [true, true]);
    same([chain.gap({ from: 3, to: 21 }), chain.live({ seq: 22, prev: 21, cursor: 'c' })], [true, true]);
    same([chain.gap({ from: 23, to: 30 }), chain.live({ seq: 31, prev: 30, cursor: 'c' })], [false, true]);
    same(chain.request(), { resume: 'c' });
  },
  'client/chain.js: a backfill that was interrupted is not doubled': async (m, same) => {
    const chain = new m.Chain();
    chain.request(); chain.subscribed('e', { seq: 1 }); chain.live({ seq: 2, prev: 1, cursor: 'a' });
    chain.request(); same(chain.subscribed('e', { seq: 9, resumed: true }), true);
    same(chain.backfilled('s', 10), 0);
    same(chain.request(), { resume: 'a' }); chain.subscribed('e', { seq: 12, resumed: true });
    same([chain.backfilled('s', 6), chain.backfilled('s', 6), chain.backfilled('t', 2)], [6, 4, 0]);
  },
  'client/statistics.js: the server’s clock is taken from the quickest ping': async (m, same) => {
    let now = 100;
    const clock = new m.ServerClock(() => now);
    clock.welcome(5000); same(clock.now(), 5000);
    now = 102; clock.pong(100, 5001.5); same([clock.offset, clock.rtt], [4900.5, 2]);
    now = 103; clock.pong(102.9, 5003); same(Math.round(clock.offset * 100) / 100, 4900.05);
    now = 110; clock.pong(104, 5000); same(Math.round(clock.offset * 100) / 100, 4900.05);
  },
  'client/statistics.js: rates and quantiles': async (m, same) => {
    const rate = new m.Rate(5), recent = new m.Recent(30);
    for (let second = 0; second < 20; second++) { rate.add(second, 40); rate.add(second + 0.5, 60); }
    same(rate.perSecond(20), 100);
    same(recent.quantiles(0, [0.5]), [null]);
    for (let value = 0; value < 100; value++) recent.add(1, value);
    same(recent.quantiles(2, [0.5, 0.99]), [50, 99]);
    same(recent.quantiles(60, [0.5]), [null]);
  },
  'format.js: values with their units': async (m, same) => {
    const plain = (value, unit) => m.formatValue(value, unit).replaceAll('\u202f', ' ');
    same([plain(0, 'B'), plain(1536, 'B'), plain(6.2e9, 'B'), plain(2.5e6, 'B/s')], ['0 B', '1.5 KiB', '5.77 GiB', '2.38 MiB/s']);
    same([plain(0.0032, 's'), plain(250, 'ms'), plain(1500, 'ms'), plain(90, 's')], ['3.2 ms', '250 ms', '1.5 s', '1.5 min']);
    same([plain(42.25, '%'), plain(1234, '1/s'), plain(0.5, '1/s'), plain(12345, null)], ['42.3 %', '1.23 k/s', '0.5/s', '12.3 k']);
    same([plain(-3.5, null), plain(null, 'B'), plain(1e300, null)], ['−3.5', 'gap', '1.00e300']);
    same([plain(5400, 's'), plain(-7200, 's'), plain(129600, 's'), plain(7.2e6, 'ms'), plain(9e13, 'ns')], ['1.5 h', '−2 h', '1.5 d', '2 h', '1.04 d']);
    same([m.scale(7200, 's').factor, m.scale(7.2e6, 'ms').factor, plain(90, 'min')], [3600, 3.6e6, '90 min']);
  },
  'format.js: a unit has one prefix': async (m, same) => {
    const plain = (value, unit) => m.formatValue(value, unit).replaceAll('\u202f', ' ');
    same([plain(12000, 'kW'), plain(0.5, 'kW'), plain(2500, 'MB'), plain(2048, 'MiB')], ['12 MW', '500 W', '2.5 GB', '2 GiB']);
    same([plain(0.02, 'ms'), plain(3, 'us'), plain(1013, 'hPa'), plain(12345, 'cm')], ['20 µs', '3 µs', '101 kPa', '123 m']);
    same([plain(1500, 'kB/s'), plain(0.004, '°C'), plain(70000, 'Cel'), plain(5, 'min')], ['1.5 MB/s', '0.004 °C', '70000 Cel', '5 min']);
    same([plain(1234, 'm'), plain(5000, 'mol'), plain(5, 'Mi'), plain(3.2, 'GHz')], ['1.23 km', '5 kmol', '5 Mi', '3.2 GHz']);
    same([plain(5000, 'Mbps'), plain(2500, 'GFLOPS'), plain(250000, 'mK'), plain(4700, 'kOhm')], ['5 Gbps', '2.5 TFLOPS', '250 K', '4.7 MOhm']);
    same([plain(5, 'klx'), plain(2048, 'KiB'), plain(1500, 'KB/s'), plain(70, 'kg')], ['5 klx', '2 MiB', '1.5 MB/s', '70 kg']);
    same([plain(5000, 'mbps'), plain(45000, 'mC'), plain(5000, 'kT')], ['5000 mbps', '45 C', '5 MT']);
    same(m.scale(12000, 'kW').factor, 1000);
  },
  'format.js: ticks are round and cover the data': async (m, same) => {
    same(m.niceTicks(0, 97, 4).ticks, [0, 25, 50, 75, 100]);
    same([0, 0.25, 0.5].map((tick) => m.tickDigits(tick, 0.25)), ['0', '0.25', '0.5']);
    same([1.795412, 1.795413].map((tick) => m.tickDigits(tick, 1e-6)), ['1.795412', '1.795413']);
    same([-20, 0, 20].map((tick) => m.tickDigits(tick, 20)), ['−20', '0', '20']);
    same(m.niceTicks(-0.31, 0.28, 4).from <= -0.31, true);
    same(m.timeTicks(-60, 0, 1e9, true, 4).texts, ['−45 s', '−30 s', '−15 s', 'now']);
    same(m.timeTicks(-10, 0, 1000000007, false, 5).values, [-9, -7, -5, -3, -1]);
    same([m.formatAge(0.34), m.formatAge(4.2), m.formatAge(200), m.formatAge(7200)], ['0.3 s', '4 s', '3 min', '2 h']);
  },
  'tick_labels.js: smaller if that does, else without their unit, else what is added to the lowest, else cut': async (m, same) => {
    const wide = (text) => 10 * text.length;
    same(m.fitted([['0 ms', '5 ms'], ['0', '5']], 60, wide), { texts: ['0 ms', '5 ms'], size: 1 });
    same(m.fitted([['0 ms', '12.5 ms'], ['0', '12.5']], 60, wide), { texts: ['0 ms', '12.5 ms'], size: 60 / 70 });
    same(m.fitted([['0 parsecs', '12.5 parsecs'], ['0', '12.5']], 60, wide), { texts: ['0', '12.5'], size: 1 });
    same(m.fitted([['0', '1000.000001']], 60, wide), { texts: ['0', '1000.0…'], size: 0.8 });
    const plain = (ways) => ways.map((way) => way.map((text) => text.replaceAll('\u202f', ' ')));
    same(plain(m.waysToWrite([0, 1e4, 2e4], 2e4, 'furlongs')), [['0 kfurlongs', '10 kfurlongs', '20 kfurlongs'], ['0 k', '10 k', '20 k'], ['0 kfurlongs', '+10 kfurlongs', '+20 kfurlongs'], ['0 k', '+10 k', '+20 k']]);
    same(plain(m.waysToWrite([1e9, 1e9 + 1, 1e9 + 2], 1e9 + 2, '')), [['1 G', '+1', '+2']]);
    same(plain(m.waysToWrite([129600, 129602, 129604], 129604, 's'))[0], ['1.5 d', '+2 s', '+4 s']);
  },
  'panel_note.js: only if nothing that is shown is in view': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const line = (times, shown = true) => {
      const ring = new Ring(100);
      for (const time of times) ring.push(time, 1);
      return { trace: { shown }, series: { ring } };
    };
    const view = { from: 100, to: 160 };
    same(m.outOfView([line([90, 170])], view), 170);
    same(m.outOfView([line([90, 95]), line([])], view), 95);
    same([m.outOfView([line([90]), line([160])], view), m.outOfView([line([100])], view)], [null, null]);
    same([m.outOfView([line([90], false)], view), m.outOfView([line([])], view), m.outOfView([], view)], [null, null, null]);
    same(m.outOfView([line([90]), line([130], false)], view), 90);
    same(m.noteText(0), 'Nothing in this part of time.');
    same([m.noteText(-3600), m.noteText(3600)].map((text) => text.split(': ')[1]), ['its samples are stamped 60 min ahead of the broadcaster’s clock.', 'its samples are stamped 60 min behind the broadcaster’s clock.']);
  },
  'client/urls.js: a loopback address means the machine that serves the page': async (m, same) => {
    same(m.streamUrl('ws://127.0.0.1:8765', { hostname: 'localhost' }), 'ws://127.0.0.1:8765/v1/stream');
    same(m.streamUrl('ws://127.0.0.1:8765', { hostname: 'rack7' }), 'ws://rack7:8765/v1/stream');
    same(m.streamUrl('wss://metrics.example/v1/stream', { hostname: 'rack7' }), 'wss://metrics.example/v1/stream');
    same(m.reachable('http://localhost:8766', { hostname: 'rack7' }), 'http://rack7:8766');
  },
  'census.js: rates are over the last seconds, and who publishes nothing more is silent within 5 s': async (m, same) => {
    const census = new m.Census();
    const producer = (published) => ({ session: 'p', role: 'producer', published_samples: published, last_seen_s: 0, age_s: 9, dropped_samples: 0, queued_batches: 0 });
    const at = (now, published) => { census.take(now, { connections: [producer(published)], total: 1 }); return census.rows(now)[0]; };
    for (let second = 0; second <= 10; second++) at(second, second * 20);
    same([at(11, 220).rate, at(11.5, 220).state], [20, 'ok']);
    for (const now of [12, 13]) same(at(now, 220).state, 'ok');
    same([at(14.9, 220).state, at(15, 220).rate], ['silent', 0]);
    same(at(16, 240).state, 'ok');
  },
  'census.js: a slow producer has its own measure of silence': async (m, same) => {
    const census = new m.Census();
    const rows = [];
    for (let now = 0; now <= 200; now++) {
      census.take(now, { connections: [{ session: 'p', role: 'producer', published_samples: Math.floor(Math.min(now, 150) / 10), last_seen_s: 0 }], total: 1 });
      rows.push(census.rows(now)[0].state);
    }
    same([new Set(rows.slice(60, 172)), rows[180]].map((each) => (typeof each === 'string' ? each : [...each])), [['ok'], 'silent']);
  },
  'census.js: who left is shown for a minute, and only if it is known to have left': async (m, same) => {
    const census = new m.Census();
    const one = (session, role = 'producer') => ({ session, role, published_samples: 1, delivered_samples: 1, last_seen_s: 0 });
    const states = (now) => census.rows(now).map(({ id, state, goneS }) => [id, state, goneS]);
    census.take(0, { connections: [one('p'), one('s', 'subscriber'), one('t', 'subscriber')], total: 3 });
    census.take(1, { connections: [one('s', 'subscriber')], total: 2 });
    same(states(3), [['p', 'gone', 2], ['s', 'ok', null]]);
    census.take(8, { connections: [one('s', 'subscriber')], total: 1 });
    for (let now = 9; now <= 60; now++) census.take(now, { connections: [one('s', 'subscriber')], total: 1 });
    same(states(60).length, 2);
    census.take(62, { connections: [one('s', 'subscriber')], total: 1 });
    same(states(62), [['s', 'ok', null]]);
    census.take(90, { connections: [one('q')], total: 1 });
    same(states(90), [['q', 'ok', null]]);
  },
  'census.js: drops and queues are trouble, and trouble comes first': async (m, same) => {
    const census = new m.Census();
    const one = (session, more) => ({ session, role: 'subscriber', client: session, address: '', delivered_samples: 1, last_seen_s: 0, dropped_samples: 0, queued_batches: 0, queued_bytes: 0, age_s: 1, ...more });
    for (const dropped_samples of [5, 9]) census.take(dropped_samples, { connections: [one('b'), one('a'), one('q', { queued_batches: 2 }), one('d', { dropped_samples })], total: 4 });
    const ids = (sort) => m.sorted(census.rows(9), sort).map(({ id }) => id).join('');
    same([ids('state'), ids('-state'), ids('client'), ids('-client'), ids('-dropped'), ids('nothing')], ['dqab', 'abqd', 'abdq', 'qdba', 'dabq', 'dqab']);
    same(census.rows(20).map(({ state }) => state), ['ok', 'ok', 'queueing', 'ok']);
  },
  'client/timeline.js: states follow each other, and what came before the first live is no fault': async (m, same) => {
    const line = new m.Timeline();
    for (const [at, state, why] of [[10, 'connecting'], [12, 'live'], [12, 'live'], [20, 'reconnecting', '1006'], [22, 'live']]) line.add(at, state, why);
    same(line.segments(11, 30).map(({ state, from, to }) => [state, from, to]), [['connecting', 11, 12], ['live', 12, 20], ['reconnecting', 20, 22], ['live', 22, 30]]);
    same(line.liveShare(0, 32), 0.9);
    same(line.newest(30, 2), [{ at: 22, state: 'live', why: '', lastedS: 8 }, { at: 20, state: 'reconnecting', why: '1006', lastedS: 2 }]);
    same(new m.Timeline().liveShare(0, 1), null);
  },
  'histogram.js: each time falls under its bound, for a minute': async (m, same) => {
    const one = new m.Histogram();
    [0, 1, 1.1, 5000, 5001].forEach((ms) => one.add(100, ms));
    same(one.counts(130), [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    same(one.counts(170).reduce((sum, count) => sum + count), 0);
    same([m.bucketLabel(0), m.bucketLabel(10), m.bucketLabel(12)], ['up to 1 ms', '1 s to 2 s', 'over 5 s']);
  },
  'navigation.js: a place is a URL and back': async (m, same) => {
    const there = (text) => m.placeOf(new URL(text, 'http://x'));
    const back = (text) => m.urlOf(there(text));
    for (const url of ['/', '/?dashboard=web-shop&filter=a+b*&window=0&at=1700000000.5&theme=dark', '/connections?sort=-rate&role=producer']) same(back(url), url);
    same(back('/?dashboard=../etc&window=-1&at=x&theme=blue&sort=rate&role=boss&more=1'), '/');
    same([there('/connections').page, there('/').windowS, there('/?window=').windowS], ['connections', null, null]);
  },
  'editing.js: panels move and grow within bounds, and the rest stay': async (m, same) => {
    const panels = ['a', 'b', 'c'].map(m.plain);
    const names = (those) => those.map(({ metric }) => metric).join('');
    same([names(m.moved(panels, 0, 1)), names(m.moved(panels, 2, -9)), names(m.moved(panels, 2, 1)), names(panels)], ['bac', 'cab', 'abc', 'abc']);
    same([m.resized(panels, 1, 'width', 9)[1].width, m.resized(panels, 1, 'height', -1)[1].height, panels[1].width], [4, 1, 1]);
    same([1, 2, 4, 5, 200].map((count) => m.madeOf(new Array(count).fill('a'))).map((made) => [made.length, made[0].width]), [[1, 4], [2, 2], [4, 2], [5, 1], [100, 1]]);
    same(m.changed(panels, 2, { title: 'C' }).map(({ title }) => title), ['', '', 'C']);
  },
  'editing.js: tags are read as they are written': async (m, same) => {
    const sets = [{}, { host: 'web-*' }, { host: 'web-*', route: '/checkout' }, { 'a.b-c_d': 'x, y = "z"', q: '"', e: 'a=b' }];
    for (const tags of sets) same(m.tagsOf(m.tagsText(tags)), tags);
    same([m.tagsOf(' a = 1 ,b="2 3" '), m.tagsOf('a'), m.tagsOf('a='), m.tagsOf('=1'), m.tagsOf('a=1,,b=2'), m.tagsOf('a="')], [{ a: '1', b: '2 3' }, null, null, null, null, null]);
  },
  'editing.js: a title makes a name that the server takes': async (m, same) => {
    same(['Web shop', '  Prod / EU-1 ', 'Über Größe', '日本', 'a'.repeat(80), '-_-'].map(m.nameFor), ['web-shop', 'prod-eu-1', 'uber-gro-e', 'dashboard', 'a'.repeat(64), 'dashboard']);
  },
  'board_panels.js: globs select metric and tags, whole': async (m, same) => {
    const series = { metric: 'shop.latency', tags: { route: '/a(b)', quantile: 'p99' } };
    const selects = (metric, tags = {}) => m.selector({ metric, tags })(series);
    same(['shop.*', '*', 'shop?latency', 'shop.latency'].map((glob) => selects(glob)), [true, true, true, true]);
    same(['shop', 'SHOP.*', 'latency', 'shop.latenc', '.*'].map((glob) => selects(glob)), [false, false, false, false, false]);
    same([selects('*', { quantile: 'p9?' }), selects('*', { route: '/a(b)' }), selects('*', { route: '/a' }), selects('*', { host: '*' })], [true, true, false, false]);
  },
  'tags.js: metrics begin alike up to a dot': async (m, same) => {
    same([m.commonStart(['host.memory.used', 'host.swap.used']), m.commonStart(['a.b', 'c.d']), m.commonStart(['host.net.sent', 'host.network.sent'])], ['host.', '', 'host.']);
  },
};
