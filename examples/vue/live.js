/** What the whole page shares: one connection, what is known, what was lost. */

import { computed, effectScope, ref, shallowRef } from 'vue';
import { defineStore } from 'pinia';
import { useConnection } from './useStreamgauge.js';

export const useLive = defineStore('live', () => {
  let scope = effectScope(true);
  const connection = shallowRef(/** @type {ReturnType<typeof useConnection>|null} */ (null));
  const series = shallowRef(/** @type {import('streamgauge').Series[]} */ ([]));
  const lost = ref(0);
  const filter = ref('');

  /** @param {string} url @param {import('streamgauge').Options} [options] */
  function open(url, options) {
    close();
    series.value = []; // of another connection nothing is true any more
    lost.value = 0;
    scope = effectScope(true);
    connection.value = scope.run(() => useConnection(url, options)) ?? null;
    const { client } = /** @type {ReturnType<typeof useConnection>} */ (connection.value);
    const list = () => { series.value = client.series.filter(({ kind }) => kind !== 'event'); };
    client.on('series', list);
    client.on('forgotten', list);
    client.on('lost', ({ samples }) => { lost.value += samples; });
  }

  /** No socket and no timer is left. */
  function close() {
    scope.stop();
  }

  const shown = computed(() => series.value
    .filter(({ metric, tags }) => `${metric} ${Object.values(tags).join(' ')}`.includes(filter.value.trim()))
    .sort((a, b) => (a.id < b.id ? -1 : 1)));
  const state = computed(() => connection.value?.state.value ?? 'closed');
  const retryInS = computed(() => connection.value?.retryInS.value ?? null);
  const client = computed(() => connection.value?.client ?? null);
  const retry = () => client.value?.retry();

  return { open, close, retry, client, state, retryInS, series, shown, filter, lost };
});
