/** For a wall: panels as large as the screen lets them be, and a thin line that says whether they are live. Escape ends it. */

const RESTS_MS = 2000; // a pointer that does not move is not seen
const LEAST = 150;
const MOST = 640;
const NEAR = 10; // pixels that may be left over

export class Kiosk {
  /** @param {() => void} leave */
  constructor(leave) {
    this.on = false;
    this.plot = 240; // pixels of height of the plots
    this.movedAt = -Infinity;
    addEventListener('keydown', (event) => {
      if (!this.on || event.key !== 'Escape' || event.defaultPrevented || document.fullscreenElement) return;
      leave();
    });
    addEventListener('pointermove', () => { if (this.on) this.#moved(); });
  }

  /** @param {boolean} on */
  show(on) {
    this.on = on;
    document.documentElement.toggleAttribute('data-kiosk', on);
    if (on) this.#fit();
  }

  #moved() {
    this.movedAt = performance.now();
    document.documentElement.toggleAttribute('data-pointing', true);
  }

  /** A few times a second. */
  tick() {
    if (!this.on) return;
    if (performance.now() - this.movedAt > RESTS_MS) document.documentElement.toggleAttribute('data-pointing', false);
    this.#fit();
  }

  /** What is beside the plots keeps its height, so what is missing or left over is theirs, in equal parts of their rows. */
  #fit() {
    const root = document.documentElement;
    const tops = new Set([...document.querySelectorAll('#panels .panel')].map((node) => node.getBoundingClientRect()).filter(({ height }) => height).map(({ top }) => Math.round(top)));
    const main = document.querySelector('main')?.getBoundingClientRect();
    if (!tops.size || !main) return;
    const left = innerHeight - (main.bottom + scrollY);
    if (left >= 0 && left < NEAR) return;
    const plot = Math.max(LEAST, Math.min(MOST, Math.floor(this.plot + (left - 2) / tops.size)));
    if (plot === this.plot && root.style.getPropertyValue('--plot')) return;
    this.plot = plot;
    root.style.setProperty('--plot', `${plot}px`);
  }
}
