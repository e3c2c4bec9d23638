/** One series: its name, its newest value, and the last minute as a line. */

import { computed } from 'vue';
import { useSeries } from './useStreamgauge.js';
import { useLive } from './live.js';

const WINDOW_S = 60;
const [WIDTH, HEIGHT] = [240, 48];

export const Card = {
  props: { series: { type: Object, required: true } },
  setup({ series }) {
    const reading = useSeries(useLive().client, series.metric, series.tags, WINDOW_S);
    return {
      reading,
      tags: Object.entries(series.tags),
      value: computed(() => format(reading.value.value)),
      path: computed(() => line(reading.value)),
    };
  },
  template: `
    <article class="card" :class="{ stale: reading.stale }">
      <h2>{{ series.metric }}</h2>
      <p class="tags"><span v-for="[key, value] in tags" :key="key" :title="key">{{ value }}</span></p>
      <p class="value"><b>{{ value }}</b> <span>{{ reading.unit }}</span><em v-if="reading.stale">silent</em></p>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path :d="path" /></svg>
    </article>`,
};

/** @param {number} value */
function format(value) {
  if (Number.isNaN(value)) return '–';
  return new Intl.NumberFormat('en', { notation: Math.abs(value) >= 1e5 ? 'compact' : 'standard', maximumSignificantDigits: 4 }).format(value);
}

/** @param {{times: ArrayLike<number>, values: ArrayLike<number>, right: number}} reading @returns {string} a gap in the data is one in the line */
function line({ times, values, right }) {
  const finite = Array.from(values).filter((value) => !Number.isNaN(value));
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  let pen = 'M';
  let path = '';
  for (let at = 0; at < times.length; at++) {
    if (Number.isNaN(values[at])) { pen = 'M'; continue; }
    const x = WIDTH * (1 - (right - times[at]) / WINDOW_S);
    const y = finite.length && low + span === low ? HEIGHT / 2 : HEIGHT - 3 - ((values[at] - low) / span) * (HEIGHT - 6);
    path += `${pen}${x.toFixed(1)},${y.toFixed(1)}`;
    pen = 'L';
  }
  return path;
}
