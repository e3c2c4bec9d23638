/** The fields in which a panel is configured, by the key that a saved dashboard has for each. */

import { AGGREGATES } from './aggregate.js';
import { keysOf, tagsOf, tagsText } from './editing.js';
import { choice, Field, input, number, text } from './form_field.js';
import { CHOICES } from './kinds/index.js';
import { limitsOf, written } from './kinds/limits.js';

const METRIC = 'a metric, or a glob such as host.*';
const WORDS = /** @type {Record<string, string>} */ ({ sum: 'sum', mean: 'mean', min: 'least', max: 'greatest', count: 'how many there are', p50: 'median (p50)', p90: '90th percentile (p90)', p95: '95th percentile (p95)', p99: '99th percentile (p99)' });
const COMBINED = /** @type {const} */ ([['', 'each series on its own'], ...AGGREGATES.map((name) => /** @type {const} */ ([name, WORDS[name]]))]);
const RATES = /** @type {const} */ ([['', 'counters per second'], ['true', 'all per second'], ['false', 'values as they are']]);
const ALL = ['lines', 'stat', 'bars', 'heat', 'table'];
const FITS = /** @type {Record<string, string[]>} */ ({ top: ['stat', 'bars', 'table'], min: ['lines', 'bars', 'heat'], max: ['lines', 'bars', 'heat'] }); // kinds that make use of them
const NUMBER = number({ expected: 'a number' });

/** @returns {Record<string, Field<any>>} by key, in order */
export function panelFields() {
  const choose = { read: (/** @type {string} */ given) => given || null, write: (/** @type {any} */ value) => value ?? '' };
  const rate = { read: (/** @type {string} */ given) => (given ? given === 'true' : null), write: (/** @type {any} */ value) => (value === null || value === undefined ? '' : String(value)) };
  const metric = { ...text((given) => given.trim() || undefined), expected: METRIC };
  const tags = { read: (/** @type {string} */ given) => tagsOf(given) ?? undefined, write: tagsText, expected: 'tags such as host=web-*, route=/checkout' };
  const keys = { read: (/** @type {string} */ given) => keysOf(given) ?? undefined, write: (/** @type {any} */ value) => (value ?? []).join(', '), expected: 'up to 16 tags such as route, host' };
  const limits = { read: (/** @type {string} */ given) => limitsOf(given) ?? undefined, write: written, expected: 'thresholds such as above 90 bad, above 70 warn, below 5 warn' };
  return {
    metric: new Field('Metric', input('metric', { list: 'known-metrics', required: true, maxlength: 255, placeholder: 'host.cpu.percent or host.*' }), 'a metric, or a glob: * is any run of characters, ? one', metric),
    tags: new Field('Tags', input('tags', { placeholder: 'host=web-*, route=/checkout' }), 'only series that have all of these; globs too', tags),
    aggregate: new Field('Combine', choice('aggregate', COMBINED), '', choose),
    group_by: new Field('For each', input('group_by', { list: 'known-keys', placeholder: 'none: one of all' }), 'tags, such as route, host', keys),
    rate: new Field('Rates', choice('rate', RATES), '', rate),
    kind: new Field('Drawn as', choice('kind', /** @type {any} */ (CHOICES)), '', text()),
    title: new Field('Title', input('title', { maxlength: 120, placeholder: 'as the metric' }), '', text()),
    thresholds: new Field('Thresholds', input('thresholds', { placeholder: 'above 90 bad, above 70 warn' }), 'above or below (> or <) a value, then warn or bad; leave empty for none', limits),
    unit: new Field('Unit', input('unit', { maxlength: 32, placeholder: 'as published' }), '', text()),
    top: new Field('At most', input('top', { inputmode: 'numeric', placeholder: 'as it has' }), '', number({ whole: true, least: 1, most: 200, expected: '1 to 200' })),
    min: new Field('Axis from', input('min', { inputmode: 'decimal', placeholder: 'as values' }), '', NUMBER),
    max: new Field('Axis to', input('max', { inputmode: 'decimal', placeholder: 'as values' }), '', NUMBER),
  };
}

/** @param {string} key @param {{kind?: string, aggregate?: string|null}} entered @returns {boolean} whether it means anything */
export function isOfUse(key, { kind, aggregate }) {
  if (key === 'group_by') return Boolean(aggregate);
  return (FITS[key] ?? ALL).includes(kind || 'lines');
}
