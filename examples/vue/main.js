/** index.html?broadcaster=ws://…&select=host.* */

import { createApp, computed, onUnmounted } from 'vue';
import { createPinia } from 'pinia';
import { Card } from './Card.js';
import { useLive } from './live.js';

const asked = new URLSearchParams(location.search);
const BROADCASTER = asked.get('broadcaster') ?? 'ws://127.0.0.1:8765';
const SELECT = asked.get('select') ?? 'host.*';
const WORDS = { 'connecting': 'Connecting', 'catching up': 'Catching up', 'live': 'Live', 'reconnecting': 'Reconnecting', 'cannot connect': 'Cannot connect', 'closed': 'Closed' };

const App = {
  components: { Card },
  setup() {
    const live = useLive();
    live.open(BROADCASTER, { select: SELECT, historyS: 60, name: 'Vue example' });
    onUnmounted(live.close);
    const state = computed(() => WORDS[live.state]);
    const wait = computed(() => (live.retryInS === null ? '' : `next try in ${Math.ceil(live.retryInS)} s`));
    const away = computed(() => ['reconnecting', 'cannot connect', 'closed'].includes(live.state));
    return { live, state, wait, away, select: SELECT, broadcaster: BROADCASTER };
  },
  template: `
    <header>
      <h1>Live <small>{{ select }}</small></h1>
      <label><span>Filter</span><input v-model="live.filter" type="search" placeholder="Filter series" autocomplete="off"></label>
      <p class="state" :data-state="live.state" role="status"><i></i>{{ state }}</p>
    </header>
    <section aria-label="Notices">
    <p v-if="away" class="notice">
      <span>The broadcaster at {{ broadcaster }} is out of reach<template v-if="wait">; {{ wait }}</template>.</span>
      <button type="button" @click="live.retry">Retry now</button>
    </p>
    <p v-if="live.lost" class="notice"><span>{{ live.lost }} samples were left out: this page was too slow.</span></p>
    </section>
    <main :class="{ away: live.state !== 'live' }">
      <Card v-for="series in live.shown" :key="series.id" :series="series" />
      <p v-if="!live.shown.length" class="empty">{{ live.series.length ? 'No series matches the filter.' : 'No series yet: they appear as soon as somebody publishes.' }}</p>
    </main>`,
};

createApp(App).use(createPinia()).mount('#app');
