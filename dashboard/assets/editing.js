/** What a person does to a dashboard, as changes of its panels. Pure. */

/** @typedef {import('./board_panels.js').Spec} Spec */

export const PANELS_MAX = 100;
const KEYS_MAX = 16; // that a panel is grouped by
const MOST = { width: 4, height: 4 };

/** @param {string} metric @returns {Spec} */
export const plain = (metric) => ({ title: '', metric, tags: {}, kind: 'lines', width: 1, height: 1 });

/** Few get the room that there is. @param {string[]} metrics @returns {Spec[]} a panel each */
export function madeOf(metrics) {
  const width = metrics.length === 1 ? 4 : metrics.length <= 4 ? 2 : 1;
  return metrics.slice(0, PANELS_MAX).map((metric) => ({ ...plain(metric), width }));
}

/** @param {Spec[]} panels @param {number} at @param {number} by @returns {Spec[]} with that one so many places on, as far as there are */
export function moved(panels, at, by) {
  const rest = panels.filter((_, index) => index !== at);
  const to = Math.max(0, Math.min(rest.length, at + by));
  return [...rest.slice(0, to), panels[at], ...rest.slice(to)];
}

/** @param {Spec[]} panels @param {number} at @param {'width'|'height'} side @param {number} by @returns {Spec[]} */
export function resized(panels, at, side, by) {
  const size = Math.max(1, Math.min(MOST[side], panels[at][side] + by));
  return changed(panels, at, { [side]: size });
}

/** @param {Spec[]} panels @param {number} at @param {Partial<Spec>} change @returns {Spec[]} */
export function changed(panels, at, change) {
  return panels.map((panel, index) => (index === at ? { ...panel, ...change } : panel));
}

/** @param {Record<string, string>} tags @returns {string} */
export function tagsText(tags) {
  return Object.entries(tags).map(([key, glob]) => `${key}=${/[,\s]/.test(glob) || glob.startsWith('"') ? JSON.stringify(glob) : glob}`).join(', ');
}

/** @param {string} text `key=glob, key="a glob, with a comma"` @returns {Record<string, string>|null} null: that is not what it is */
export function tagsOf(text) {
  const tags = /** @type {Record<string, string>} */ ({});
  let rest = text.trim();
  while (rest) {
    const match = /^([A-Za-z0-9_.-]{1,64})\s*=\s*("(?:[^"\\]|\\.)+"|[^",\s][^,]*?)\s*(?:,\s*|$)/.exec(rest);
    if (!match) return null;
    tags[match[1]] = match[2].startsWith('"') ? JSON.parse(match[2]) : match[2];
    rest = rest.slice(match[0].length);
  }
  return tags;
}

/** @param {string} text `route, host` @returns {string[]|null} null: those are no tags */
export function keysOf(text) {
  const keys = [...new Set(text.split(/[,\s]+/).filter(Boolean))];
  return keys.length <= KEYS_MAX && keys.every((key) => /^[A-Za-z0-9_.-]{1,64}$/.test(key)) ? keys : null;
}

/** @param {string} title @returns {string} the name of a file for it */
export function nameFor(title) {
  const plainText = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return plainText.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 64) || 'dashboard';
}
