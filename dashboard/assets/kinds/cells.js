/** The cells of a heat map, each a pixel of a canvas that is shown magnified. What is drawn is moved on; only new columns are written. */

import { colourOf, NONE_ALPHA, shareOf } from './ramp.js';

export class Cells {
  constructor() {
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'heat-cells';
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext('2d', { willReadFrequently: true })); // small, and written pixel by pixel
    /** @type {import('./grid.js').Grid|null} */
    this.grid = null;
    this.last = NaN; // column at the right
    this.look = '';
    this.written = 0; // columns, ever
    this.column = new ImageData(1, 1);
  }

  /**
   * @param {import('./grid.js').Grid} grid @param {number} last column at the right @param {number} count of columns
   * @param {number} most samples of a cell that the ramp ends with @param {import('./ramp.js').Colour[]} ramp
   */
  draw(grid, last, count, most, ramp) {
    const { rows } = grid.scale;
    const look = `${count} ${rows} ${most} ${ramp[0]}`;
    const shift = last - this.last;
    const anew = grid !== this.grid || look !== this.look || !(shift >= 0 && shift < count);
    if (this.canvas.width !== count || this.canvas.height !== rows) Object.assign(this.canvas, { width: count, height: rows });
    if (anew) this.context.clearRect(0, 0, count, rows);
    else if (shift) this.#move(shift);
    if (this.column.height !== rows) this.column = new ImageData(1, rows);
    const first = last - count + 1;
    for (let column = first; column <= last; column++) {
      if (anew || column > this.last || grid.touched.has(column)) this.#write(grid.columns.get(column), column - first, most, ramp);
    }
    for (const column of grid.touched) if (column <= last) grid.touched.delete(column);
    Object.assign(this, { grid, last, look });
  }

  /** @param {number} shift columns to the left */
  #move(shift) {
    this.context.globalCompositeOperation = 'copy'; // what moved in is empty
    this.context.drawImage(this.canvas, -shift, 0);
    this.context.globalCompositeOperation = 'source-over';
  }

  /** @param {Uint32Array|undefined} counts @param {number} x @param {number} most @param {import('./ramp.js').Colour[]} ramp */
  #write(counts, x, most, ramp) {
    const { data, height } = this.column;
    data.fill(0);
    for (let row = 0; counts && row < height; row++) {
      const count = counts[height - 1 - row]; // the bottom comes last
      data.set(count ? [...colourOf(ramp, shareOf(count, most)), 255] : [...ramp[0], NONE_ALPHA], 4 * row);
    }
    this.context.putImageData(this.column, x, 0);
    this.written++;
  }
}
