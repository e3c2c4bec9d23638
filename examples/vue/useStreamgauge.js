/** Streamgauge in Vue: a connection and a series as long as the component (or the effect scope) that uses them. */

import { onScopeDispose, ref, shallowRef } from 'vue';
import { Client } from 'streamgauge';

/** @param {string} url @param {import('streamgauge').Options} [options] */
export function useConnection(url, options) {
  const client = new Client(url, options);
  const state = ref(client.state);
  const retryInS = ref(/** @type {number|null} */ (null));
  client.on('state', (now) => { state.value = now; });
  const timer = setInterval(() => { retryInS.value = client.retryInS; }, 250);
  onScopeDispose(() => {
    clearInterval(timer);
    client.close();
  });
  return { client, state, retryInS };
}

/**
 * Of what its ring holds, read once a frame at most, however many samples come.
 * @param {Client} client @param {string} metric @param {Record<string, string>} [tags] @param {number} [windowS] seconds
 */
export function useSeries(client, metric, tags = {}, windowS = 60) {
  const reading = shallowRef({ value: NaN, unit: '', times: [], values: [], right: 0, stale: false });
  let frame = 0;
  const read = () => {
    frame = 0;
    const series = client.find(metric, tags);
    if (!series || series.kind === 'event') return;
    const { ring } = series;
    const [from, right] = [ring.from(client.now - windowS), client.now];
    const [times, values] = [ring.times.slice(from, ring.end), ring.values.slice(from, ring.end)];
    reading.value = { value: ring.lastValue, unit: series.unit ?? '', times, values, right, stale: client.isStale(series) };
  };
  const soon = () => { frame ||= requestAnimationFrame(read); };
  const off = client.on('samples', ({ series }) => series === client.find(metric, tags) && soon());
  const timer = setInterval(soon, 1000); // silence is news, too
  onScopeDispose(() => { off(); clearInterval(timer); cancelAnimationFrame(frame); });
  soon();
  return reading;
}
