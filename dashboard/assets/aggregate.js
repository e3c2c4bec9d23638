/** Many values as one, as Prometheus has it: percentiles lie between the two nearest ranks. Pure. */

export const AGGREGATES = ['sum', 'mean', 'min', 'max', 'count', 'p50', 'p90', 'p95', 'p99'];

/** @typedef {(values: Float64Array, count: number) => number} Aggregate of the first `count` values, none of them NaN; NaN: of nothing */

/** @param {Float64Array} values @param {number} count */
function sum(values, count) {
  let total = 0;
  for (let at = 0; at < count; at++) total += values[at];
  return count ? total : NaN;
}

/** @param {Float64Array} values @param {number} count @returns {number} even where the sum is beyond all numbers */
function mean(values, count) {
  const plain = sum(values, count) / count;
  if (Math.abs(plain) !== Infinity) return plain;
  let share = 0;
  for (let at = 0; at < count; at++) share += values[at] / count;
  return share;
}

/** @param {Float64Array} values @param {number} count */
function least(values, count) {
  let low = count ? values[0] : NaN;
  for (let at = 1; at < count; at++) if (values[at] < low) low = values[at];
  return low;
}

/** @param {Float64Array} values @param {number} count */
function greatest(values, count) {
  let high = count ? values[0] : NaN;
  for (let at = 1; at < count; at++) if (values[at] > high) high = values[at];
  return high;
}

/** Sorts the values. @param {number} share 0 to 1 @returns {Aggregate} */
export function quantile(share) {
  return (values, count) => {
    if (!count) return NaN;
    const sorted = values.subarray(0, count).sort();
    const rank = share * (count - 1);
    const below = Math.floor(rank);
    const above = Math.min(count - 1, below + 1);
    const part = rank - below;
    return part ? sorted[below] * (1 - part) + sorted[above] * part : sorted[below];
  };
}

/** @param {string} name one of AGGREGATES @returns {Aggregate} */
export function aggregateOf(name) {
  if (name === 'sum') return sum;
  if (name === 'mean') return mean;
  if (name === 'min') return least;
  if (name === 'max') return greatest;
  if (name === 'count') return (_, count) => count;
  return quantile(Number(name.slice(1)) / 100);
}
