/** Numbers, units, times and ages as text. Pure. */

const PREFIXES = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, ''], [1e-3, 'm'], [1e-6, 'µ'], [1e-9, 'n']];
const BINARY = [[2 ** 40, 'Ti'], [2 ** 30, 'Gi'], [2 ** 20, 'Mi'], [2 ** 10, 'Ki'], [1, '']];
const UNSCALED = new Set(['%', '1', '']);
const WHOLE = new Set(['dB', 'dBm', '°C', '°F', 'Cel', 'K', '°', 'deg', 'rpm', 'ppm', 'ppb', 'min', 'h', 'd', 'px', 'mbps']); // which nobody prefixes
const BASES = new Set([
  'B', 'bit', 'b', 'bps', 'Bps', 'pps', 'W', 'Wh', 'V', 'VA', 'var', 'A', 'Ah', 'Hz', 'Pa', 'bar', 'J', 'cal', 'N', 'g', 'm', 'l', 'L', 's',
  'eV', 'F', 'FLOP', 'FLOPS', 'FLOPs', 'flops', 'Ω', 'Ohm', 'ohm', 'mol', 'Sv', 'Gy', 'Bq', 'K', '°C', 'C', 'T', 'S', 'H', 'Wb', 'lm', 'lx', 'baud', 'Bd', 'px',
]);
const SCALES = { T: 1e12, G: 1e9, M: 1e6, k: 1e3, K: 1e3, h: 100, d: 0.1, c: 0.01, m: 1e-3, µ: 1e-6, u: 1e-6, n: 1e-9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
const SECONDS = { s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };
const DURATIONS = [[86400, 'd'], [3600, 'h'], [60, 'min']];
const NO_BREAK = '\u202f';

/** @param {number} value @param {number} [more] @returns {string} three significant digits or so (and more), no exponent for ordinary sizes */
export function digits(value, more = 0) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e6 || size < 1e-3) return value.toPrecision(3 + more).replace('e+', 'e').replaceAll('-', '−');
  const places = more + (size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return trimmed(value.toFixed(places));
}

/** @param {number} value @param {number} step between the ticks of its axis @returns {string} told apart from its neighbours */
export function tickDigits(value, step) {
  const size = Math.max(Math.abs(value), Math.abs(step));
  if (size >= 1e6 || size < 1e-3 || !(step > 0)) return digits(Number(value.toPrecision(12))).replace(/\.?0+e/, 'e');
  let places = Math.max(0, Math.min(12, -Math.floor(Math.log10(step))));
  while (places < 12 && Math.abs(step - Number(step.toFixed(places))) > step * 1e-6) places++;
  return trimmed(value.toFixed(places).replace(/^-(0\.?0*)$/, '$1'));
}

/** @param {string} text */
function trimmed(text) {
  return (text.includes('.') ? text.replace(/\.?0+$/, '') : text).replace('-', '−');
}

/**
 * How numbers of about this size are scaled, so that all ticks of an axis agree.
 * @param {number} size the largest absolute value
 * @param {string|null} unit
 * @returns {{factor: number, suffix: string}} value / factor, followed by suffix
 */
export function scale(size, unit) {
  const name = unit ?? '';
  if (name === '%') return { factor: 1, suffix: `${NO_BREAK}%` };
  if (name === 'B' || name === 'B/s') return scaled(BINARY, size, name);
  const long = lasting(size, name);
  if (long) return long;
  if (WHOLE.has(name)) return { factor: 1, suffix: NO_BREAK + name };
  const [by, base, table] = unprefixed(name) ?? [];
  if (by && base && table) return pick(scaled(table, size * by, base), 1 / by);
  if (UNSCALED.has(name)) return size >= 1e4 || (size > 0 && size < 1e-3) ? scaled(PREFIXES, size, '') : { factor: 1, suffix: '' };
  if (name === '1/s') return { ...scaled(size < 1 ? [[1, '']] : PREFIXES, size, ''), suffix: `${magnitude(size)}/s` };
  return scaled(PREFIXES, size, name);
}

/** Seconds by the thousand are what nobody counts in. @param {number} size @param {string} unit @returns {{factor: number, suffix: string}|null} */
function lasting(size, unit) {
  const by = SECONDS[/** @type {keyof typeof SECONDS} */ (unit)];
  const [seconds, name] = (by && DURATIONS.find(([least]) => size * by >= Number(least))) || [];
  return by && seconds ? { factor: Number(seconds) / by, suffix: NO_BREAK + name } : null;
}

/** A unit that has a prefix already gets no second one. @param {string} unit @returns {[number, string, Array<Array<any>>]|null} kW: 1000 of W */
function unprefixed(unit) {
  const [, prefix, base, per] = /^([TGMkK]i?|[hdcmµun])([^/]+)(\/.+)?$/.exec(unit) ?? [];
  const by = SCALES[/** @type {keyof typeof SCALES} */ (prefix)];
  if (!by || !BASES.has(base)) return null;
  return [by, base + (per ?? ''), prefix.endsWith('i') ? BINARY : PREFIXES];
}

/** @param {number} size */
function magnitude(size) {
  return size < 1 ? '' : scaled(PREFIXES, size, '').suffix;
}

/** @param {{factor: number, suffix: string}} found @param {number} by */
function pick(found, by) {
  return { factor: found.factor * by, suffix: found.suffix };
}

/** @param {Array<Array<any>>} table @param {number} size @param {string} unit */
function scaled(table, size, unit) {
  const beyond = size >= 1e6 * table[0][0]; // no prefix helps
  const [factor, prefix] = beyond ? [1, ''] : table.find(([at]) => size >= at) ?? (size === 0 ? [1, ''] : table[table.length - 1]);
  const suffix = prefix + unit;
  return { factor, suffix: suffix ? NO_BREAK + suffix : '' };
}

/** @param {number|null} value @param {string|null} unit @param {number} [more] digits @returns {string} */
export function formatValue(value, unit, more = 0) {
  if (value === null || Number.isNaN(value)) return 'gap';
  const { factor, suffix } = scale(Math.abs(value), unit);
  return digits(value / factor, more) + suffix;
}

/** @param {number} seconds @returns {string} for an age or a length of time: 4 s, 3 min, 2 h */
export function formatAge(seconds) {
  if (seconds < 0.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

/** @param {number|null} ms @returns {string} */
export function formatMs(ms) {
  if (ms === null) return '–';
  if (Math.abs(ms) >= 1000) return `${digits(ms / 1000)} s`;
  return `${Math.abs(ms) < 10 ? trimmed(ms.toFixed(1)) : Math.round(ms).toString().replace('-', '−')} ms`;
}

/** @param {number} time Unix seconds @param {boolean} [fine] with milliseconds @returns {string} local time of day */
export function formatClock(time, fine = false) {
  const date = new Date(time * 1000);
  if (Number.isNaN(date.getTime())) return String(time);
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0');
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return fine ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text;
}

/**
 * Round numbers that cover [low, high].
 * @param {number} low @param {number} high @param {number} count about how many
 * @param {boolean} [binary] steps that are round in powers of 1024
 * @returns {{from: number, to: number, ticks: number[]}}
 */
export function niceTicks(low, high, count, binary = false) {
  const raw = (high - low || Math.abs(high) || 1) / count;
  const base = binary && raw >= 1 ? 2 ** Math.floor(Math.log2(raw)) : 10 ** Math.floor(Math.log10(raw));
  const step = base * ((binary && raw >= 1 ? [1, 2] : [1, 2, 2.5, 5, 10]).find((each) => base * each >= raw * 0.999) ?? 10);
  const from = Math.floor(low / step + 1e-9) * step;
  const ticks = [];
  for (let index = 0; index < 50; index++) {
    const tick = Number((from + index * step).toPrecision(15));
    ticks.push(tick);
    if (tick >= high - step * 1e-9) break;
  }
  return { from, to: ticks[ticks.length - 1], ticks };
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];

/** @param {number} span seconds @param {number} count at most @returns {number} seconds between ticks */
export function timeStep(span, count) {
  return STEPS.find((step) => span / step <= count) ?? Math.ceil(span / count / 86400) * 86400;
}

/**
 * Ticks of an axis in seconds relative to `right`.
 * @param {number} from @param {number} to @param {number} right Unix seconds at 0 @param {boolean} live @param {number} count
 * @returns {{values: number[], texts: string[]}} ages while live, times of day otherwise
 */
export function timeTicks(from, to, right, live, count) {
  const step = timeStep(to - from, count);
  const origin = live ? 0 : right;
  const values = [];
  const texts = [];
  for (let tick = Math.ceil((from + origin) / step - 1e-6) * step; tick <= to + origin + 1e-6; tick += step) {
    if (tick - origin - from < 0.04 * (to - from)) continue; // its label would run into the other axis
    values.push(tick - origin);
    texts.push(live ? (Math.abs(tick) < step / 2 ? 'now' : `−${compact(-tick)}`) : formatClock(tick, step < 1));
  }
  return { values, texts };
}

/** @param {number} seconds */
function compact(seconds) {
  if (seconds < 120 && seconds % 60) return `${trimmed(seconds.toFixed(2))} s`;
  if (seconds < 7200 && seconds % 3600) return `${trimmed((seconds / 60).toFixed(1))} min`;
  return `${trimmed((seconds / 3600).toFixed(1))} h`;
}
