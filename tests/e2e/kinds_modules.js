/** Checks of how panels other than lines are drawn; test_dashboard_modules.py runs each in a browser. */

/** @param {any} Ring @param {Array<[number, number|null]>} samples */
function ringOf(Ring, samples) {
  const ring = new Ring(100000);
  for (const [time, value] of samples) ring.push(time, value);
  return ring;
}

const plain = (text) => text.replaceAll('\u202f', ' ');

/** A view that stands still at a time. */
async function viewAt(right, more = {}) {
  const { Crosshair } = await import('/crosshair.js');
  return { to: right, right, width: 60, span: 60, isLive: true, crosshair: new Crosshair(), ...more };
}

/** @param {any} kind @param {number} [most] frames */
async function drawn(kind, most = 200) {
  kind.inSight = true;
  const { draws } = kind;
  for (let frame = 0; frame < most; frame++) {
    kind.draw();
    if (kind.draws > draws) return;
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
  throw new Error('it was never drawn');
}

/** @param {any} Class @param {any} view @param {any} spec @param {{width: number, height: number}} size */
function opened(Class, view, spec, { width, height }) {
  const div = document.createElement('div');
  Object.assign(div.style, { width: `${width}px`, height: `${height}px`, position: 'relative' });
  document.body.replaceChildren(div);
  return new Class(div, view, spec);
}

const seriesOf = (ring, tags = {}, more = {}) => ({ id: JSON.stringify(['m', Object.entries(tags)]), metric: 'm', tags, unit: null, kind: 'gauge', help: null, interval: 1, ring, ...more });

export const checks = {
  'kinds/ranking.js: the greatest first, looked at again only now and then': async (m, same) => {
    const one = new m.Ranking();
    const order = (values, time) => one.order(new Map(Object.entries(values)), time).join('');
    same(order({ a: 1, b: 3, c: 2 }, 0), 'bca');
    same([order({ a: 1, b: 3, c: 10 }, 1.9), order({ a: 1, b: 3, c: 10 }, 2)], ['bca', 'cba']);
  },
  'kinds/ranking.js: nobody passes for the sake of a little, and nobody is farther out of place than that': async (m, same) => {
    const one = new m.Ranking();
    const order = (values, time) => one.order(new Map(Object.entries(values)), time).join('');
    same(order({ a: 0, b: 100, c: 101 }, 0), 'cba');
    same([order({ a: 0, b: 101, c: 100 }, 10), order({ a: 0, b: 103, c: 100 }, 20)], ['cba', 'bca']);
    const other = new m.Ranking();
    other.order(new Map(Object.entries({ a: 105, b: 104, c: 103, d: 102, e: 0 })), 0);
    same(other.order(new Map(Object.entries({ a: 100, b: 101.5, c: 103, d: 104.5, e: 0 })), 10).join(''), 'cdabe');
  },
  'kinds/ranking.js: who comes is put in place at once, who says nothing is last, who goes is gone': async (m, same) => {
    const one = new m.Ranking();
    const order = (values, time) => one.order(new Map(Object.entries(values)), time).join('');
    same(order({ a: 1, n: NaN, b: 3 }, 0), 'ban');
    same([order({ a: 1, n: NaN, b: 3, z: 2 }, 0.1), order({ n: NaN, b: 3, z: 2 }, 0.2)], ['bzan', 'bzn']);
    same([order({ n: NaN, b: 3, z: 2, c: 2.99, d: 3.01 }, 0.3), order({ n: 5, b: 3, z: 2, c: 2.99, d: 3.01 }, 0.4)], ['dbczn', 'ndbcz']); // its first value
    one.restart(1);
    same(order({ n: NaN, b: 3, z: 2 }, 0.3), 'zbn');
    const empty = new m.Ranking();
    empty.order(new Map([['a', NaN], ['b', NaN]]), 0);
    same(empty.order(new Map([['a', 1], ['b', 2]]), 0.1), ['b', 'a']);
    same(new m.Ranking().order(new Map([['a', 1e308], ['b', -1e308], ['c', NaN]]), 0), ['a', 'b', 'c']);
  },
  'kinds/reading.js: what a series says, and when': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const series = { ring: ringOf(Ring, [[0, 5], [50, 10], [70, 12], [90, null], [99, 15]]), interval: 1 };
    same(m.read(series, 100, 60, true), { value: 15, time: 99, ageS: 1, stale: false, lagS: 0, first: 10 });
    same(m.read(series, 80, 60, false), { value: 12, time: 70, ageS: 10, stale: true, lagS: 0, first: 10 });
    same(m.read(series, 95, 60, false).value, NaN);
    same([m.read(series, -1, 60, false), m.read(series, 200, 60, true).first], [null, NaN]);
    same(m.read({ ring: ringOf(Ring, [[45, null], [50, 3], [99, 5]]) }, 100, 60, true).first, 3);
    same(m.read({ ring: series.ring, interval: 40 }, 200, 60, true).stale, false);
    same([m.extremes(series.ring, 40, 95), m.extremes(series.ring, 91, 98)], [{ low: 10, high: 12 }, { low: NaN, high: NaN }]);
  },
  'kinds/reading.js: a clock that is wrong makes nobody silent, or lively': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const text = (time, more) => m.ageText(m.read({ ring: ringOf(Ring, [[time, 1]]), ...more }, 10000, 60, true));
    same([text(9999, {}), text(9990, {}), text(6400, { off: 9, arrivedAt: 9999.5 }), text(13600, { off: 9, arrivedAt: 9999.5 }), text(6400, { off: 9, arrivedAt: 9940 })], ['', '10 s ago', '60 min behind', '60 min ahead', '60 s ago']);
  },
  'kinds/reading.js: a change has an arrow, a sign, a size and a share': async (m, same) => {
    const text = (first, value, unit = null) => {
      const change = m.changeText({ first, value, time: 0, ageS: 0, stale: false }, unit);
      return change && `${change.arrow} ${plain(change.size)}${change.share && ` (${plain(change.share)})`}`;
    };
    same([text(10, 15), text(20, 5), text(-4, -6), text(7, 7), text(0.3, 0.1 + 0.2)], ['▲ +5 (+50 %)', '▼ −15 (−75 %)', '▼ −2 (−50 %)', '→ no change', '→ no change']);
    same([text(40, 50, '%'), text(0, 1536, 'B'), text(1000, 1000.1), text(3, 156)], ['▲ +10 pp (+25 %)', '▲ +1.5 KiB', '▲ +0.1 (<0.1 %)', '▲ +153 (×52)']);
    same([text(19.8, 19.34, '°C'), text(20, 19.4, 'ms'), text(6e9, 6.1e9, 'B')], ['▼ −0.46 °C (−2.3 %)', '▼ −0.6 ms (−3 %)', '▲ +95.4 MiB (+1.7 %)']);
    same([text(NaN, 5), text(5, NaN), m.changeText(null, null), text(-1e300, 1e-300)], [null, null, null, '▲ +1.00e300 (+100 %)']);
  },
  'kinds/limits.js: the gravest threshold that is reached, in words': async (m, same) => {
    const limits = [{ above: 90, level: 'bad' }, { above: 70, level: 'warn' }, { below: 5, level: 'warn' }];
    const level = (value) => m.reached(value, limits)?.level ?? '';
    same([90.1, 90, 70, 5, 4.9, NaN].map(level), ['bad', 'warn', '', '', 'warn', '']);
    same([plain(m.limitText(limits[0], '%')), m.limitText(limits[2], null), m.reached(1, undefined)], ['above 90 %', 'below 5', null]);
  },
  'kinds/limits.js: thresholds are read as they are written': async (m, same) => {
    for (const limits of [[], [{ above: 90, level: 'bad' }, { below: -0.5, level: 'warn' }], [{ above: 1e21, level: 'warn' }]]) same(m.limitsOf(m.written(limits)), limits);
    same([m.limitsOf(' Above  .5 BAD '), m.written(null), ...['above 90 high', 'above x bad', 'above 1 bad,', 'above 1e999 bad', '1.5 2'].map(m.limitsOf)], [[{ above: 0.5, level: 'bad' }], '', null, null, null, null, null]);
    const tried = ['> 1.5', '1.5', 'above 1.5', '>=1.5 warning', 'over 1.5'].map((text) => m.written(m.limitsOf(text)));
    same([tried, m.written(m.limitsOf('<-2 critical, under 3'))], [Array(5).fill('above 1.5 warn'), 'below -2 bad, below 3 warn']);
  },
  'kinds/names.js: only in what they differ': async (m, same) => {
    const of = (...those) => those.map(([metric, tags]) => ({ id: JSON.stringify([metric, Object.entries(tags)]), metric, tags }));
    const names = (...those) => [...m.namesOf(of(...those)).values()];
    same(names(['m', { host: 'b', dc: 'x' }], ['m', { host: 'a', dc: 'x' }]), ['a', 'b']);
    same(names(['m', { host: 'a' }]), ['']);
    same(names(['h.mem.used', { host: 'a' }], ['h.swap.used', { host: 'a' }]), ['mem.used', 'swap.used']);
    same(names(['m', {}], ['m', { q: 'p99' }]).sort(), ['no tags', 'q=p99']);
    const keys = (most, ...those) => m.keysOf(of(...those), most);
    same([keys(3, ['m', { a: '1', b: '1', c: '1' }], ['m', { a: '2', b: '1', c: '2' }]), keys(1, ['m', { a: '1', c: '1' }], ['m', { a: '2', c: '2' }]), keys(3, ['m', { a: '1' }])], [['a', 'c'], null, null]);
  },
  'kinds/tiling.js: tiles fill the panel, and scroll when they are too many': async (m, same) => {
    same(m.tiling(1, 400, 190), { columns: 1, width: 400, height: 190, gap: 8 });
    same([m.tiling(2, 408, 190).columns, m.tiling(4, 408, 190).columns, m.tiling(3, 130, 400).columns], [2, 2, 1]);
    const many = m.tiling(100, 412, 190);
    same([many.columns, many.height, Math.round(many.width * 10) / 10], [3, 64, 132]);
  },
  'kinds/scales.js: bars reach from zero, and their axis stays while it fits': async (m, same) => {
    const none = {};
    same([m.barRange(null, 0, 42, '%', none), m.barRange(null, 0, 142, '%', none).to > 142], [{ from: 0, to: 100 }, true]);
    const first = m.barRange(null, 0, 70, null, none);
    same([first, m.barRange(first, 0, 30, null, none), m.barRange(first, 0, 20, null, none)], [{ from: 0, to: 70 }, { from: 0, to: 70 }, { from: 0, to: 20 }]);
    same([m.barRange(null, -5, 10, null, none), m.barRange(null, 0, 0, null, none), m.barRange(null, 0, 7, null, { min: 0, max: 50 })], [{ from: -6, to: 10 }, { from: 0, to: 1 }, { from: 0, to: 50 }]);
  },
  'kinds/scales.js: rows of equal difference have round edges': async (m, same) => {
    const axis = m.heatScale({ low: 10, high: 90, p5: 12, p95: 80 }, null, 20, {}, null);
    same([axis.log, axis.from, axis.to, axis.rows, axis.ticks], [false, 0, 100, 20, [0, 25, 50, 75, 100]]);
    same([0, 4.9, 5, 52, 100, -3, 500].map((value) => m.rowOf(axis, value)), [0, 0, 1, 10, 19, 0, 19]);
    same([m.edgesOf(axis, 10), m.ticksOf(axis, 'ms').map(({ at, text }) => [at, plain(text)])], [[50, 55], [[0, '0 ms'], [0.25, '25 ms'], [0.5, '50 ms'], [0.75, '75 ms'], [1, '100 ms']]]);
    same([m.heatScale({ low: 0, high: 0, p5: 0, p95: 0 }, null, 20, {}, null).to > 0, m.heatScale({ low: 1, high: 100, p5: 1, p95: 100 }, '%', 20, {}, null).log], [true, false]);
  },
  'kinds/scales.js: rows of equal factor for what spans decades, and a choice stays': async (m, same) => {
    const wide = { low: 0.0012, high: 4, p5: 0.002, p95: 1 };
    const axis = m.heatScale(wide, 's', 20, {}, null);
    same([axis.log, axis.rows, axis.ticks.map((tick) => Number(tick.toPrecision(3)))], [true, 24, [0.001, 0.01, 0.1, 1, 10]]);
    same([0.001, 0.0018, 0.002, 1, 9.9, 0, -1].map((value) => m.rowOf(axis, value)), [0, 1, 1, 18, 23, 0, 0]);
    same(m.edgesOf(axis, 5).map((edge) => Number(edge.toPrecision(3))), [0.00681, 0.01]);
    const half = m.heatScale({ low: 4, high: 290, p5: 5, p95: 200 }, null, 20, {}, null);
    same([half.from, half.to].map((edge) => Number(edge.toPrecision(3))).concat(half.rows, half.ticks), [3.16, 316, 20, 10, 100]);
    same(m.ticksOf(axis, 's').map(({ text }) => plain(text)), ['1 ms', '10 ms', '100 ms', '1 s', '10 s']);
    same(m.heatScale({ low: 0.002, high: 3, p5: 0.02, p95: 0.4 }, 's', 20, {}, axis) === axis, true);
    same([m.heatScale({ ...wide, p5: 0.5 }, 's', 20, {}, axis).log, m.heatScale({ ...wide, low: 0 }, 's', 20, {}, axis).log], [false, false]);
    const whole = m.heatScale({ low: 1e-300, high: 1e300, p5: 1e-300, p95: 1e300 }, null, 20, {}, null);
    same([whole.rows, m.rowOf(whole, 1e-300), m.rowOf(whole, 1), m.rowOf(whole, 1e300)], [20, 0, 10, 19]);
  },
  'kinds/grid.js: each sample falls into its cell, once': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const scale = { log: false, rows: 4, from: 0, to: 100, ticks: [] };
    const grid = new m.Grid(2, scale, 5);
    const ring = ringOf(Ring, [[9, 1], [10, 0], [11.9, 24], [12, 25], [13, null], [14, 100], [15, 101]]);
    const cells = () => Object.fromEntries([...grid.columns].map(([column, counts]) => [column, [...counts]]));
    same([grid.take('a', ring, Infinity), cells(), grid.above, grid.below], [true, { 5: [2, 0, 0, 0], 6: [0, 1, 0, 0], 7: [0, 0, 0, 2] }, true, false]);
    same([grid.take('a', ring, Infinity), grid.take('b', ringOf(Ring, [[12.5, 26]]), Infinity), cells()[6], cells()[7]], [true, true, [0, 2, 0, 0], [0, 0, 0, 2]]);
    ring.push(15.5, 60);
    same([grid.take('a', ring, Infinity), cells()[7], grid.survey(5, 7)], [true, [0, 0, 1, 2], { most: 2, samples: 7 }]);
    grid.drop(6);
    same([Object.keys(cells()), grid.survey(5, 7).samples], [['6', '7'], 5]);
  },
  'kinds/grid.js: what comes late, again, or after the right edge': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const scale = { log: false, rows: 1, from: 0, to: 1, ticks: [] };
    const grid = new m.Grid(1, scale, 0);
    const ring = ringOf(Ring, [[1, 1], [2, 1], [3, 1]]);
    same([grid.take('a', ring, 2.5), grid.survey(0, 9).samples], [true, 2]);
    same([grid.take('a', ring, 2.5), grid.take('a', ring, Infinity), grid.survey(0, 9).samples], [true, true, 3]);
    ring.push(2.2, 1);
    same(grid.take('a', ring, Infinity), false);
    const again = new m.Grid(1, scale, 0);
    again.take('a', ring, Infinity);
    ring.age();
    ring.push(3, 1);
    same(again.take('a', ring, Infinity), false);
    const derived = new m.Grid(1, scale, 0);
    derived.take('a', ring, Infinity);
    ring.end--; // worked out anew, a little later
    ring.push(3.5, 1);
    same(derived.take('a', ring, Infinity), false);
    const empty = new m.Grid(1, scale, 0);
    const silent = new Ring(10);
    same(empty.take('s', silent, Infinity), true);
    silent.push(1, 1);
    same([empty.take('s', silent, Infinity), empty.survey(0, 9).samples], [true, 1]);
  },
  'kinds/ramp.js: lightness alone tells more from less, in both themes': async (m, same) => {
    const light = (colour) => colour.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const steps = Array.from({ length: 41 }, (_, at) => at / 40);
    for (const [theme, sign, card] of [['light', -1, [255, 255, 255]], ['dark', 1, [21, 29, 37]]]) {
      const lights = steps.map((share) => light(m.colourOf(m.RAMPS[theme], share)));
      same(lights.slice(1).every((each, at) => sign * (each - lights[at]) > 0), true);
      same([contrast(lights[0], light(card)) >= 1.4, contrast(lights[40], lights[0]) >= 7, [0, 10, 20, 30].every((at) => contrast(lights[at], lights[at + 10]) >= 1.35)], [true, true, true]);
    }
    same([m.shareOf(1, 1), m.shareOf(1, 100), m.shareOf(10, 100), m.shareOf(500, 100)], [1, 0, 0.5, 1]);
    same([m.roundMost(0, 1), m.roundMost(0, 7), m.roundMost(0, 34), m.roundMost(50, 20), m.roundMost(50, 16), m.roundMost(50, 51)], [1, 10, 50, 50, 20, 100]);
    same([m.legendOf(1), m.legendOf(100), m.legendOf(2)], [[1], [1, 3, 10, 32, 100], [1, 2]]);
  },
  'bands.js: bands reach to the end of the axis, and words never lie over each other': async (m, same) => {
    const limits = [{ above: 80, level: 'warn' }, { above: 90, level: 'bad' }, { below: 10, level: 'warn' }];
    const at = (axis) => m.placed(limits, axis, 200).map(({ limit, top, height, edge, away }) => [limit.level, top, height, edge, away]);
    same(at({ low: 0, high: 100 }), [['bad', 0, 20, 20, ''], ['warn', 0, 40, 40, ''], ['warn', 180, 20, 180, '']]);
    same(at({ low: 0, high: 50 }).map(([, top, height, , away]) => [top, height, away]), [[0, 0, ' ↑'], [0, 0, ' ↑'], [160, 40, '']]);
    same(at({ low: 95, high: 100 }).map(([, top, height, , away]) => [top, height, away]), [[0, 200, ' ↓'], [0, 200, ' ↓'], [200, 0, ' ↓']]);
    for (const axis of [{ low: 0, high: 100 }, { low: 0, high: 50 }, { low: 85, high: 92 }, { low: 0, high: 1e6 }]) {
      const labels = m.placed(limits, axis, 200).map(({ label }) => label);
      same([labels.slice(1).every((label, index) => label - labels[index] >= 13), labels.every((label) => label >= 10 && label <= 197)], [true, true]);
    }
  },
  'kinds/spark.js: a spike of one sample among many is drawn, and a gap is one': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const ring = new Ring(50000);
    for (let at = 0; at < 36000; at++) ring.push(at / 10, at === 12345 ? 99 : at === 20000 ? null : 1 + (at % 2) / 10);
    const spark = new m.Spark();
    spark.draw(ring, 0, 3600, 100, 30);
    const runs = (spark.path.getAttribute('d') ?? '').split('M').slice(1).map((run) => run.match(/-?[\d.]+,-?[\d.]+/g).map((point) => point.split(',').map(Number)));
    const top = runs.flat().filter(([, y]) => y === 0);
    same([top.length, Math.abs(top[0][0] - 34.3) <= 0.1, runs.length, spark.path.getAttribute('transform')], [1, true, 2, 'translate(0,2.5)']);
    const flat = new m.Spark();
    for (const value of [0, 7, 1e300, -1e300]) {
      flat.draw(ringOf(Ring, [[0, value], [10, value]]), 0, 10, 100, 30);
      same([flat.path.getAttribute('d'), flat.path.getAttribute('transform')], ['M0,0L100,0', 'translate(0,15)']);
    }
    flat.draw(ringOf(Ring, [[0, -1.7e308], [10, 1.7e308]]), 0, 10, 100, 30);
    same(/NaN|Infinity/.test(flat.path.getAttribute('d')), false);
  },
  'kinds/heat.js: the cell where samples are is coloured, and no other': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const view = await viewAt(1000);
    const heat = opened(m.Heat, view, {}, { width: 482, height: 216 }); // a plot of 400 x 160: 31 columns of 2 s
    const ring = ringOf(Ring, [[950.5, 52], [950.6, 53], [950.7, 12], [990, 90], [991, null], [600, 40]]);
    heat.add(seriesOf(ring));
    await drawn(heat);
    const { canvas, context } = heat.cells;
    const alpha = (x, y) => context.getImageData(x, y, 1, 1).data[3];
    const full = () => {
      const found = [];
      for (let x = 0; x < canvas.width; x++) for (let y = 0; y < canvas.height; y++) if (alpha(x, y) === 255) found.push([x, y]);
      return found;
    };
    same([canvas.width, canvas.height, full()], [31, 20, [[5, 9], [5, 17], [25, 1]]]);
    same([alpha(5, 0) > 0, alpha(4, 0), alpha(6, 9)], [true, 0, 0]);
    same(heat.plot.getAttribute('aria-label').includes('up to 2 samples a cell'), true);
    const written = heat.cells.written;
    Object.assign(view, { to: 1002, right: 1002 });
    ring.push(1001, 52);
    heat.dirty = true;
    await drawn(heat);
    same([full(), heat.cells.written - written], [[[4, 9], [4, 17], [24, 1], [29, 9]], 2]);
    ring.push(950.8, 97);
    heat.dirty = true;
    await drawn(heat);
    same(full(), [[4, 0], [4, 9], [4, 17], [24, 1], [29, 9]]);
    heat.close();
  },
  'kinds/heat.js: looking back, what came later is not there': async (m, same) => {
    const { Ring } = await import('/client/rings.js');
    const view = await viewAt(1000, { isLive: false });
    const heat = opened(m.Heat, view, {}, { width: 482, height: 216 });
    const ring = ringOf(Ring, [[950, 10], [999, 90], [1000.5, 50]]);
    heat.add(seriesOf(ring));
    await drawn(heat);
    const samples = () => [...heat.grid.columns.values()].reduce((sum, counts) => sum + counts.reduce((a, b) => a + b), 0);
    same(samples(), 2);
    view.isLive = true;
    heat.dirty = true;
    await drawn(heat);
    same(samples(), 3);
    heat.close();
  },
};
