/** A line small enough for a tile or a cell: no axes, every spike. */

import { collect, emptyLine, pathData } from '../decimate.js';
import { formatValue } from '../format.js';
import { svg } from '../svg.js';

const PAD = 2.5; // pixels above and below, so that a line's own width and its end are inside
const LARGEST = 4e307; // beyond it the distance of two values is no number
const SMALLEST = 1e-290; // distance

export class Spark {
  constructor() {
    this.line = emptyLine();
    this.node = svg('svg', 'kind-spark');
    this.node.setAttribute('role', 'img');
    this.path = svg('path', 'kind-spark-line');
    this.node.append(this.path);
    this.data = '';
    this.down = '';
    this.label = '';
    this.size = '';
  }

  /** @param {any} ring @param {number} left @param {number} right Unix seconds @param {number} width @param {number} height pixels */
  draw(ring, left, right, width, height) {
    this.#resize(width, height);
    collect(ring, left, right, width, this.line);
    const low = Math.max(-LARGEST, this.line.low);
    const high = Math.min(LARGEST, this.line.high);
    const flat = !(high - low > SMALLEST);
    const data = pathData(this.line, left, width / (right - left), high, flat ? 0 : -(height - 2 * PAD) / (high - low));
    const down = `translate(0,${flat ? height / 2 : PAD})`;
    if (data === this.data && down === this.down) return;
    this.data = data;
    this.down = down;
    this.path.setAttribute('d', data);
    this.path.setAttribute('transform', down);
    this.path.classList.toggle('lone', this.line.count === 1);
    this.path.classList.toggle('dense', 2 * this.line.count > width);
  }

  /** @param {number} width @param {number} height */
  #resize(width, height) {
    const size = `${width} ${height}`;
    if (size === this.size) return;
    this.size = size;
    this.node.setAttribute('width', String(width));
    this.node.setAttribute('height', String(height));
  }

  /** @param {number} low @param {number} high @param {string|null} unit */
  describe(low, high, unit) {
    const label = Number.isNaN(low) ? 'no samples in the window' : `from ${formatValue(low, unit)} to ${formatValue(high, unit)}`;
    if (label === this.label) return;
    this.label = label;
    this.node.setAttribute('aria-label', label);
  }
}
