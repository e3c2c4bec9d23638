/** What series are called beside each other. Pure. */

import { collator, commonStart, commonTags, describe, onlyKey } from '../tags.js';

/**
 * @param {Array<{id: string, metric: string, tags: Record<string, string>}>} those
 * @returns {Map<string, string>} by id, in order of their names: only in what they differ; a single one needs no name
 */
export function namesOf(those) {
  const sets = those.map(({ tags }) => tags);
  const common = commonTags(sets);
  const key = onlyKey(sets, common);
  const metrics = [...new Set(those.map(({ metric }) => metric))];
  const start = commonStart(metrics).length;
  const name = (/** @type {any} */ { metric, tags }) => {
    const told = key ? tags[key] : describe(tags, common);
    return metrics.length > 1 ? [metric.slice(start), told].filter(Boolean).join(' ') : told || (those.length > 1 ? 'no tags' : '');
  };
  return new Map(those.map((series) => /** @type {[string, string]} */ ([series.id, name(series)])).sort(([a], [b]) => collator.compare(a, b)));
}

/**
 * The tags in which series differ, for columns.
 * @param {Array<{metric: string, tags: Record<string, string>}>} those @param {number} most
 * @returns {string[]|null} keys; null: too many, or none
 */
export function keysOf(those, most) {
  const common = commonTags(those.map(({ tags }) => tags));
  const keys = [...new Set(those.flatMap(({ tags }) => Object.keys(tags)))].filter((key) => !(key in common));
  return keys.length && keys.length <= most ? keys.sort(collator.compare) : null;
}
