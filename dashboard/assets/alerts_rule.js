/** An alert in words, as what a form holds, and as the broadcaster's HTTP side wants it. Pure. */

import { formatAge, formatValue } from './format.js';

/** @typedef {import('./alerts_state.js').Rule} Rule */

/**
 * @typedef {object} Entered what a person entered; numbers as they are typed
 * @property {string} metric @property {Record<string, string>} tags @property {'above'|'below'|'rises'|'silent'} when @property {string} value
 * @property {string} seconds @property {string} clear @property {string} severity @property {string} message @property {string} webhook
 * @property {boolean} [unhook] its webhook is taken away
 */

/** @param {Rule['condition']} condition @param {string|null} unit @returns {string} */
export function conditionText({ above, below, clear, for_s: forS, silent_for_s: silentS, rate }, unit) {
  const value = (/** @type {number} */ number) => formatValue(number, rate ? `${unit || '1'}/s` : unit);
  const bounds = [above !== null && `above ${value(above)}`, below !== null && `below ${value(below)}`].filter(Boolean).join(' or ');
  const level = bounds && `${rate ? 'rises ' : ''}${bounds}${forS ? ` for ${formatAge(forS)}` : ''}${clear !== null ? `, until ${value(clear)}` : ''}`;
  return [level, silentS !== null && `silent for ${formatAge(silentS)}`].filter(Boolean).join('; or ');
}

/** @param {Rule} rule @returns {boolean} whether the form can hold all of it */
export const isPlain = ({ condition: { above, below, silent_for_s: silentS, rate } }) => [above, below, silentS].filter((each) => each !== null).length === 1 && !(rate && above === null);

/** @param {Rule} rule @returns {Entered} */
export function enteredOf({ metric, tags, severity, message, condition: { above, below, clear, for_s: forS, silent_for_s: silentS, rate } }) {
  const text = (/** @type {number|null} */ number) => (number === null ? '' : String(number));
  const when = silentS !== null ? 'silent' : rate ? 'rises' : above !== null ? 'above' : 'below';
  return { metric, tags, when, value: text(above ?? below), seconds: text(silentS ?? forS), clear: text(clear), severity, message: message ?? '', webhook: '' };
}

/** @param {Entered} entered @returns {Record<string, unknown>} the table of the alert */
export function tableOf({ metric, tags, when, value, seconds, clear, severity, message, webhook, unhook }) {
  const number = (/** @type {string} */ text) => (text.trim() === '' ? null : Number(text));
  const duration = number(seconds) === null ? undefined : `${plainDigits(Number(seconds))}s`;
  const limits = when === 'silent' ? { silent_for: duration } : { [when === 'rises' ? 'above' : when]: number(value), clear: number(clear), for: Number(seconds) > 0 ? duration : undefined, rate: when === 'rises' || undefined };
  const all = { metric, tags, ...limits, severity, message: message.trim(), webhook: webhook.trim() };
  const table = Object.fromEntries(Object.entries(all).filter(([, each]) => each !== undefined && each !== null && each !== '' && !(typeof each === 'object' && !Object.keys(each).length)));
  return unhook ? { ...table, webhook: [] } : table; // one that is not named is kept
}

/** @param {number} seconds @returns {string} without an exponent */
const plainDigits = (seconds) => (Number.isInteger(seconds) ? seconds.toFixed(0) : seconds.toFixed(3).replace(/0+$/, ''));

/** Ranges from, to and at of the newest values, and how many have passed the threshold. @param {number[]} values @param {Entered} entered */
export function previewOf(values, { when, value }) {
  const threshold = value.trim() === '' ? NaN : Number(value);
  const passes = (/** @type {number} */ each) => (when === 'above' ? each > threshold : each < threshold);
  return { low: Math.min(...values), high: Math.max(...values), passing: !['above', 'below'].includes(when) || Number.isNaN(threshold) ? 0 : values.filter(passes).length };
}

/** @param {number[]} values of the window @param {'above'|'below'} when @returns {number} a round number that none of them passes */
export function suggestion(values, when) {
  const high = Math.max(...values);
  const low = Math.min(...values);
  if (!Number.isFinite(high - low)) return 0;
  const spare = Math.max((high - low) * 0.15, Math.abs(when === 'above' ? high : low) * 0.05);
  const edge = when === 'above' ? high + spare : low - spare;
  const step = 10 ** Math.floor(Math.log10(Math.abs(edge) || 1) - 1);
  const rounded = (when === 'above' ? Math.ceil(edge / step) : Math.floor(edge / step)) * step;
  return Number(rounded.toPrecision(3));
}
