/** From held samples to the points of a line, and to SVG path data. Pure. */

/**
 * @typedef {object} Line what a drawing consists of; reused from frame to frame
 * @property {Float64Array} points time, value, time, value…; a value of NaN breaks the line
 * @property {number} count of points
 * @property {number} samples that it stands for
 * @property {boolean} decimated
 * @property {number} low of the values, NaN if none
 * @property {number} high
 * @property {number[]} lost from, to, from, to… (times of the samples around): there samples were lost
 */

/** @returns {Line} */
export function emptyLine() {
  return { points: new Float64Array(512), count: 0, samples: 0, decimated: false, low: NaN, high: NaN, lost: [] };
}

const LOOKED_AT = 20; // intervals, the newest
const FEW = 10; // of them say nothing of what is usual
const LONGEST = 3; // as long as the third longest is usual: a line that paused once or twice is no slow one
const PATIENT = 3; // usual intervals, as Store.isStale has it
const PATIENT_S = 3; // at least

/**
 * Collect the samples of [from, to] and the nearest one beyond each edge. More than four to a pixel: each pixel column
 * keeps its first, lowest, highest and last sample (M4), which draws the same picture.
 * @param {import('./client/rings.js').Ring} ring @param {number} from @param {number} to Unix seconds
 * @param {number} width pixels @param {Line} line filled in place
 */
export function collect(ring, from, to, width, line) {
  const first = Math.max(ring.start, ring.from(from) - 1);
  const last = Math.min(ring.end, ring.after(to) + 1);
  line.samples = Math.max(0, last - first);
  line.decimated = line.samples > 4 * Math.max(1, width);
  const room = 2 * (line.decimated ? 8 * Math.ceil(width) + 64 : 2 * line.samples + 8);
  if (line.points.length < room) line.points = new Float64Array(room * 1.5);
  line.count = 0;
  line.lost.length = 0;
  if (line.decimated) reduce(ring, first, last, from, width / (to - from), line);
  else copy(ring, first, last, line);
  bounds(ring, first, last, line);
}

/**
 * For how long a series may say nothing until its line is a gap there: nobody knows what was between. Bursts with a pause after each are no gaps.
 * @param {import('./client/rings.js').Ring} ring @returns {number} seconds; Infinity: too few samples to tell
 */
export function patienceOf({ times, start, end }) {
  const first = Math.max(start + 1, end - LOOKED_AT);
  if (end - first < FEW) return Infinity;
  const longest = new Array(LONGEST).fill(0);
  for (let at = first; at < end; at++) {
    let interval = times[at] - times[at - 1];
    for (let place = 0; place < LONGEST; place++) if (interval > longest[place]) [longest[place], interval] = [interval, longest[place]];
  }
  return Math.max(PATIENT_S, PATIENT * longest[LONGEST - 1]);
}

/** It said nothing before this one, for longer than is usual for it now, and than was usual for it then. @param {Float64Array} times @param {number} at @param {number} start @param {number} patience */
function wasSilent(times, at, start, patience) {
  const silence = times[at] - times[at - 1];
  return silence > patience && at - 2 >= start && silence > PATIENT * (times[at - 1] - times[at - 2]);
}

/** @param {Line} line @param {number} time @param {number} value */
function add(line, time, value) {
  if (2 * line.count + 2 > line.points.length) {
    const points = new Float64Array(line.points.length * 2);
    points.set(line.points);
    line.points = points;
  }
  line.points[2 * line.count] = time;
  line.points[2 * line.count++ + 1] = value;
}

/** @param {import('./client/rings.js').Ring} ring @param {number} at @param {Line} line */
function breakBefore({ times }, at, line) {
  add(line, times[at], NaN);
  line.lost.push(times[at - 1], times[at]);
}

/** @param {import('./client/rings.js').Ring} ring @param {number} first @param {number} last @param {Line} line */
function copy(ring, first, last, line) {
  const { times, values, start } = ring;
  const patience = patienceOf(ring);
  for (let at = first; at < last; at++) {
    if (at > first && ring.isBroken(at)) breakBefore(ring, at, line);
    else if (at > first && wasSilent(times, at, start, patience)) add(line, times[at], NaN);
    add(line, times[at], values[at]);
  }
}

/**
 * @param {import('./client/rings.js').Ring} ring @param {number} first @param {number} last
 * @param {number} from @param {number} perSecond pixels @param {Line} line
 */
function reduce(ring, first, last, from, perSecond, line) {
  const { times, values, start } = ring;
  const patience = patienceOf(ring);
  let at = first;
  while (at < last) {
    const column = Math.floor((times[at] - from) * perSecond);
    const begin = at;
    let low = at;
    let high = at;
    let end = at + 1;
    while (end < last && stays(ring, end) && !wasSilent(times, end, start, patience) && Math.floor((times[end] - from) * perSecond) === column) {
      if (values[end] < values[low]) low = end;
      if (values[end] > values[high]) high = end;
      end++;
    }
    if (begin > first && ring.isBroken(begin)) breakBefore(ring, begin, line);
    else if (begin > first && wasSilent(times, begin, start, patience)) add(line, times[begin], NaN);
    let before = -1;
    for (const index of [begin, Math.min(low, high), Math.max(low, high), end - 1]) {
      if (index > before) add(line, times[index], values[index]);
      before = Math.max(before, index);
    }
    at = end;
    // Consecutive explicit gaps in one column are one gap.
    while (at < last && Number.isNaN(values[at]) && Number.isNaN(values[at - 1])) at++;
  }
}

/** @param {import('./client/rings.js').Ring} ring @param {number} at whether the run of ordinary samples goes on at `at` */
function stays(ring, at) {
  return !ring.isBroken(at) && !Number.isNaN(ring.values[at]) && !Number.isNaN(ring.values[at - 1]);
}

/** @param {import('./client/rings.js').Ring} ring @param {number} first @param {number} last @param {Line} line */
function bounds(ring, first, last, line) {
  let low = Infinity;
  let high = -Infinity;
  for (let at = 0; at < line.count; at++) {
    const value = line.points[2 * at + 1];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  line.low = low <= high ? low : NaN;
  line.high = low <= high ? high : NaN;
}

/**
 * @param {Line} line
 * @param {number} x0 time at pixel 0 @param {number} perSecond @param {number} y0 value at pixel 0 @param {number} perUnit
 * @returns {string} path data; a lone sample is a dot (with round caps)
 */
export function pathData(line, x0, perSecond, y0, perUnit) {
  const { points, count } = line;
  let path = '';
  let open = false;
  for (let at = 0; at < count; at++) {
    const value = points[2 * at + 1];
    if (Number.isNaN(value)) {
      open = false;
      continue;
    }
    const x = clamp((points[2 * at] - x0) * perSecond);
    const y = clamp((value - y0) * perUnit);
    if (open) path += `L${x},${y}`;
    else path += at + 1 < count && !Number.isNaN(points[2 * at + 3]) ? `M${x},${y}` : `M${x},${y}h0`;
    open = true;
  }
  return path;
}

/** Tenths of a pixel; browsers draw nothing sensible millions of pixels away. @param {number} pixels */
function clamp(pixels) {
  return Math.round(Math.max(-1e5, Math.min(1e5, pixels)) * 10) / 10;
}
