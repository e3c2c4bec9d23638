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
      name: series.metric.split(/(?<=[._/:])/), // where it may break
      tags: Object.entries(series.tags),
      shown: computed(() => withPrefix(reading.value.value, reading.value.unit)),
      path: computed(() => line(reading.value)),
    };
  },
  template: `
    <article class="card" :class="{ stale: reading.stale }">
      <h2><template v-for="part in name">{{ part }}<wbr></template></h2>
      <p class="tags"><span v-for="[key, value] in tags" :key="key" :title="key">{{ value }}</span><em v-if="reading.stale">silent</em></p>
      <p class="value"><b>{{ shown[0] }}</b> <span>{{ shown[1] }}</span></p>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path :d="path" /></svg>
    </article>`,
};

/** @param {number} value @param {string} unit @returns {[string, string]} 8123000000 B are 8.123 GB */
function withPrefix(value, unit) {
  if (Number.isNaN(value)) return ['–', unit];
  const step = Math.abs(value) < 1e5 ? 0 : Math.min(4, Math.floor(Math.log10(Math.abs(value)) / 3));
  return [new Intl.NumberFormat('en', { maximumSignificantDigits: 4 }).format(value / 1000 ** step), ['', 'k', 'M', 'G', 'T'][step] + unit];
}

/** @param {{times: ArrayLike<number>, values: ArrayLike<number>, right: number}} reading @returns {string} a gap in the data is one in the line */
function line({ times, values, right }) {
  const finite = Array.from(values).filter((value) => !Number.isNaN(value));
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low;
  let pen = 'M';
  let path = '';
  for (let at = 0; at < times.length; at++) {
    if (Number.isNaN(values[at])) { pen = 'M'; continue; }
    const x = WIDTH * (1 - (right - times[at]) / WINDOW_S);
    const y = span ? HEIGHT - 3 - ((values[at] - low) / span) * (HEIGHT - 6) : HEIGHT / 2;
    path += `${pen}${x.toFixed(1)},${y.toFixed(1)}`;
    pen = 'L';
  }
  return path;
}
