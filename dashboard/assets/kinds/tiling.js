/** How tiles fill a panel. Pure. */

const GAP = 8;
const NARROWEST = 132;
const LOWEST = 64;
const FAIREST = 2.1; // width to height

/**
 * @param {number} count @param {number} width @param {number} height pixels
 * @returns {{columns: number, width: number, height: number, gap: number}} of one tile; beyond the height of the panel they scroll
 */
export function tiling(count, width, height) {
  const most = Math.max(1, Math.min(count, Math.floor((width + GAP) / (NARROWEST + GAP))));
  let best = null;
  for (let columns = 1; columns <= most; columns++) {
    const rows = Math.ceil(count / columns);
    const tile = { columns, width: (width - (columns - 1) * GAP) / columns, height: (height - (rows - 1) * GAP) / rows, gap: GAP };
    const empty = columns * rows - count;
    const fault = Math.abs(Math.log(tile.width / Math.max(1, tile.height) / FAIREST)) + 0.25 * empty / count;
    if (tile.height >= LOWEST && (!best || fault < best.fault)) best = { tile, fault };
  }
  return best?.tile ?? { columns: most, width: (width - (most - 1) * GAP) / most, height: LOWEST, gap: GAP };
}
