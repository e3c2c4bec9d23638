/** Samples as CSV (RFC 4180): a row for each time, a column for each series. Pure. */

const FORMULA = /^[=+\-@\t\r]/; // a spreadsheet would run it
const QUOTED = /[",\r\n]/;

/**
 * @typedef {object} Column
 * @property {string} name with the unit
 * @property {ArrayLike<number>} times Unix seconds, in order
 * @property {ArrayLike<number|string>} values NaN: an explicit gap
 */

/** @param {string} metric @param {Record<string, string>} tags @param {string|null} unit @returns {string} */
export function columnName(metric, tags, unit) {
  const pairs = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
  return metric + (pairs.length ? `{${pairs.join(',')}}` : '') + (unit ? ` [${unit}]` : '');
}

/** A text is only ever a text, for spreadsheets too. @param {string} text @returns {string} */
export function textCell(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {number|string} value @returns {string} numbers as they are, to the last digit */
const cell = (value) => (typeof value === 'number' ? String(value) : textCell(value));

/** @param {number} time @returns {string} UTC, to the millisecond */
function iso(time) {
  const date = new Date(Math.round(time * 1000));
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

/**
 * A cell is empty where a series has no sample at that time, NaN where it has an explicit gap. Samples of one series at one time take a row each.
 * @param {Column[]} columns @returns {string[]} lines with their ends
 */
export function csvLines(columns) {
  const lines = [`${['time', 'unix_s', ...columns.map(({ name }) => textCell(name))].join(',')}\r\n`];
  const at = columns.map(() => 0);
  for (;;) {
    let time = Infinity;
    columns.forEach(({ times }, index) => { if (at[index] < times.length) time = Math.min(time, times[at[index]]); });
    if (time === Infinity) return lines;
    const cells = columns.map(({ times, values }, index) => (times[at[index]] === time ? cell(values[at[index]++]) : ''));
    lines.push(`${iso(time)},${time},${cells.join(',')}\r\n`);
  }
}
