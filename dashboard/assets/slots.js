/** Which line has which colour and dash. Pure. */

export const COLOURS = 8;

/**
 * Colours go by order of tags, so that the same series look the same at the next visit. Of many lines, each keeps its own for
 * as long as it is in view, and new ones take what is free: a hundred short-lived lines are told apart by the colours of few.
 * @param {import('./panel.js').Entry[]} entries in order @param {boolean} many
 */
export function takeSlots(entries, many) {
  if (!many) return entries.forEach((entry, index) => { entry.slot = index; });
  const taken = new Set();
  for (const entry of entries) {
    if (entry.silent || entry.over || entry.slot >= COLOURS || taken.has(entry.slot)) entry.slot = -1;
    else if (entry.slot >= 0) taken.add(entry.slot);
  }
  let free = 0;
  for (const entry of entries) {
    if (entry.silent || entry.over || entry.slot >= 0) continue;
    while (taken.has(free)) free++;
    entry.slot = free;
    taken.add(free);
  }
  return undefined;
}
