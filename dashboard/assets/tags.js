/** Metrics and tags as words: what all have in common, in what they differ, whether they contain a word. Pure. */

export const collator = new Intl.Collator(undefined, { numeric: true });

/** A part of the text, or a glob of one, as selections have them. @param {string} word @returns {(text: string) => boolean} */
export function wordTest(word) {
  if (!/[*?]/.test(word)) return (text) => text.includes(word);
  const glob = word.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  const pattern = new RegExp(glob);
  return (text) => pattern.test(text);
}

/** @param {Array<Record<string, string>>} sets @returns {Record<string, string>} tags that all have */
export function commonTags(sets) {
  const [first = {}, ...rest] = sets;
  return Object.fromEntries(Object.entries(first).filter(([key, value]) => rest.every((tags) => tags[key] === value)));
}

/**
 * @param {Array<Record<string, string>>} sets @param {Record<string, string>} common
 * @returns {string} the one tag in which they differ, if it is one and all have it; else empty
 */
export function onlyKey(sets, common) {
  const keys = new Set(sets.flatMap((tags) => Object.keys(tags)).filter((key) => !(key in common)));
  const [key = ''] = keys;
  return keys.size === 1 && sets.every((tags) => key in tags) ? key : '';
}

/** @param {Record<string, string>} tags @param {Record<string, string>} [without] @returns {string} */
export function describe(tags, without = {}) {
  const shown = Object.entries(tags).filter(([key]) => !(key in without));
  return shown.sort(([a], [b]) => collator.compare(a, b)).map(([key, value]) => `${key}=${value}`).join(' ');
}

/** @param {string[]} metrics @returns {string} the parts, up to a dot, with which all begin */
export function commonStart(metrics) {
  const [first = '', ...rest] = metrics;
  const parts = first.split('.').slice(0, -1);
  let length = parts.length;
  while (length && !rest.every((metric) => metric.startsWith(`${parts.slice(0, length).join('.')}.`))) length--;
  return length ? `${parts.slice(0, length).join('.')}.` : '';
}
