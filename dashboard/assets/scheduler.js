/** When to draw: in animation frames, within a budget of time, the charts in sight only. Frames are skipped, points never. */

const BUDGET_MS = 9;
const SLOW_MS = 250; // texts that nobody reads sixty times a second
const REST_MS = 120; // scrolled past quicker than this, a panel is not laid out whole
const SLOW_FRAME_MS = 25; // frames that come later than this, while a person scrolls, are for what the scrolling brings

export class Scheduler {
  /**
   * @param {() => void} before once a frame @param {() => void} slow every quarter of a second
   * @param {() => void} painted after a frame in which something was drawn
   */
  constructor(before, slow, painted) {
    this.before = before;
    this.slow = slow;
    this.painted = painted;
    /** @type {import('./charts.js').Chart[]} whoever waited longest is first */
    this.charts = [];
    this.frames = 0;
    this.slowAt = -Infinity;
    this.scrolledAt = -Infinity;
    this.framedAt = -Infinity;
    this.hurried = false; // a person scrolls, and frames come late
    /** @type {Set<import('./charts.js').Chart>} in sight, and not drawn since they are */
    this.undrawn = new Set();
    this.sight = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: '100px' });
    /** @type {Map<Element, import('./charts.js').Chart>} */
    this.owners = new Map();
    /** @type {Map<import('./charts.js').Chart, number>} since when they have been in sight, of those not told yet */
    this.arrived = new Map();
  }

  start() {
    document.addEventListener('visibilitychange', () => this.invalidate());
    addEventListener('scroll', () => { this.scrolledAt = performance.now(); }, { passive: true });
    const frame = (/** @type {number} */ time) => {
      requestAnimationFrame(frame);
      this.#frame(time);
    };
    requestAnimationFrame(frame);
  }

  /** @param {import('./charts.js').Chart} chart */
  add(chart) {
    this.charts.push(chart);
    this.owners.set(chart.div, chart);
    this.sight.observe(chart.div);
  }

  /** @param {import('./charts.js').Chart} chart */
  remove(chart) {
    this.charts = this.charts.filter((each) => each !== chart);
    this.owners.delete(chart.div);
    this.arrived.delete(chart);
    this.undrawn.delete(chart);
    this.sight.unobserve(chart.div);
  }

  /** Everything is to be drawn again. */
  invalidate() {
    for (const chart of this.charts) chart.dirty = true;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const entry of entries) {
      const chart = this.owners.get(entry.target);
      if (!chart) continue;
      if (chart.inSight === entry.isIntersecting) continue;
      chart.inSight = entry.isIntersecting;
      chart.dirty = true;
      if (chart.inSight) this.undrawn.add(chart);
      else this.undrawn.delete(chart);
      if (chart.inSight) this.arrived.set(chart, entry.time);
      else if (!this.arrived.delete(chart)) chart.onSight?.(false);
    }
  }

  /** One a frame, and none while a person scrolls. @param {number} time */
  #settle(time) {
    if (time - this.scrolledAt < REST_MS) return undefined;
    for (const [chart, since] of this.arrived) {
      if (time - since < REST_MS) continue;
      this.arrived.delete(chart);
      return chart.onSight?.(true);
    }
    return undefined;
  }

  /** @param {number} time */
  #frame(time) {
    const scrolling = time - this.scrolledAt < REST_MS;
    this.hurried = scrolling && (this.hurried || time - this.framedAt > SLOW_FRAME_MS);
    this.framedAt = time;
    this.before();
    this.#settle(time);
    this.#draw(performance.now() + BUDGET_MS);
    if (time - this.slowAt < SLOW_MS) return;
    this.slowAt = time;
    this.slow();
  }

  /** @param {number} deadline */
  #draw(deadline) {
    const drawn = [];
    const wanted = this.hurried ? this.charts.filter((chart) => this.undrawn.has(chart)) : this.charts;
    for (const chart of wanted) {
      if (chart.draw()) drawn.push(chart);
      if (performance.now() > deadline) break;
    }
    if (!drawn.length) return;
    const done = new Set(drawn);
    for (const chart of drawn) this.undrawn.delete(chart);
    this.charts = [...this.charts.filter((chart) => !done.has(chart)), ...drawn];
    this.frames++;
    this.painted();
  }
}
