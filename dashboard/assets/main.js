/** Puts the page together: feed -> store -> panels, drawn by the scheduler. */

import { Account } from './account.js';
import { Alerts } from './alerts.js';
import { BoardPanels, closeAll } from './board_panels.js';
import { expose } from './debug.js';
import { welcomeEveryone } from './everyone.js';
import { Feed } from './client/feed.js';
import { byId, Health } from './health.js';
import { Pages } from './pages.js';
import { isOwn, Panels, prefixOf } from './panels.js';
import { sayEnded, session } from './session.js';
import { Scheduler } from './scheduler.js';
import { Store } from './client/store.js';
import { TabHealth } from './tab_health.js';
import { streamUrl, reachable } from './client/urls.js';
import { View } from './view.js';

const config = JSON.parse(byId('streamgauge-config').textContent ?? '{}');
/** @type {Panels|null} */
let panels = null;
/** @type {Pages|null} */
let pages = null;
let tellEveryone = () => {};
/** @type {Alerts|null} */
let alerts = null;

session.begin(config.signin);
const store = new Store(config.points_max, config.forget_s, () => feed.clock.now());
const feed = new Feed(streamUrl(config.broadcaster, location), store, { token: session.token });
session.onEnded = () => { feed.stop('the session has ended'); sayEnded(); };
const view = new View(() => feed.clock.now(), earliest);
const health = new Health(feed, store);
const tab = new TabHealth(feed, store);
const scheduler = new Scheduler(before, slow, () => health.painted(scheduler.charts));

function earliest() {
  let oldest = Infinity;
  for (const { ring, kind } of store.series.values()) {
    if (kind !== 'event' && ring.length) oldest = Math.min(oldest, /** @type {any} */ (ring).times[/** @type {any} */ (ring).start]);
  }
  return oldest;
}

let passedAt = performance.now();

/** A break, a sleep or a pause makes nobody silent. */
function pass() {
  const seconds = Math.min((performance.now() - passedAt) / 1000, 60); // a hidden tab is woken once a minute
  passedAt = performance.now();
  if (feed.state === 'live' && !view.paused) store.pass(seconds);
}

function before() {
  view.advance();
  if (panels?.settle()) showOrHideEmpty();
  if (view.crosshair.due(performance.now(), view.isLive)) panels?.read();
}

function slow() {
  health.render();
  panels?.refresh();
  pages?.connections.tick();
  pages?.kiosk.tick();
  tellEveryone();
  alerts?.tick();
  showOrHideEmpty();
}

function showOrHideEmpty() {
  byId('empty').hidden = feed.state === 'connecting' || [...store.series.values()].some(({ metric }) => !isOwn(prefixOf(metric)));
}

function takeControls() {
  if (!pages?.take(window.streamgaugeControls)) return;
  document.documentElement.classList.toggle('paused', view.paused);
  seen();
}

/** @param {import('./board_panels.js').Spec[]|null} specs */
function lay(specs) {
  if (panels) closeAll(panels);
  panels = specs ? new BoardPanels(byId('panels'), store, view, scheduler, specs) : new Panels(byId('panels'), store, view, scheduler);
  for (const series of store.series.values()) panels.discovered(series);
}

function seen() {
  health.forget();
  panels?.choose();
  panels?.filter();
  pages?.moment.render();
  scheduler.invalidate();
}

function example() {
  const url = `${reachable(config.broadcaster_http, location)}/v1/publish`;
  const token = config.signin ? '  -H "Authorization: Bearer $TOKEN" \\\n' : '';
  return `curl ${url} \\\n${token}  -d '{"samples": [{"metric": "demo.answer", "value": 42}]}'`;
}

async function copyExample() {
  try {
    await navigator.clipboard.writeText(example());
    byId('copy').textContent = 'Copied';
  } catch {
    getSelection()?.selectAllChildren(byId('example')); // no permission: ready for ctrl-C
    byId('copy').textContent = 'Selected';
  }
  setTimeout(() => { byId('copy').textContent = 'Copy'; }, 2000);
}

/** Dash has drawn its layout. */
function begin() {
  pages = new Pages(config, { feed, store, view, tab }, seen, lay);
  lay(pages.navigation.place.dashboard || pages.navigation.place.page === 'embed' ? [] : null);
  store.onDescribed = (series) => panels?.discovered(series);
  store.onForgotten = (series) => panels?.forgotten(series);
  store.onSamples = (series, times) => { panels?.received(series, times); alerts?.received(series); };
  byId('example').textContent = example();
  byId('copy').addEventListener('click', copyExample);
  byId('retry').addEventListener('click', () => feed.retry());
  document.addEventListener('streamgauge:controls', takeControls);
  document.addEventListener('visibilitychange', () => health.forget());
  pages.begin();
  if (config.signin) new Account(byId('theme'));
  alerts = new Alerts(reachable(config.broadcaster_http, location), { feed, store, view, panels: () => panels });
  tellEveryone = welcomeEveryone({ feed, view, pages, panels: () => panels });
  if (window.streamgaugeControls) takeControls();
  feed.listeners.push(() => health.render(), () => view.paused && scheduler.invalidate());
  scheduler.start();
}

view.set(false, config.window_s, '');
expose({ feed, store, view, scheduler, health, panels: () => panels });
feed.start();
setInterval(pass, Math.min(10, config.forget_s / 4 || 10) * 1000);

const waiting = new MutationObserver(() => {
  if (!document.getElementById('panels')) return;
  waiting.disconnect();
  begin();
});
if (document.getElementById('panels')) begin();
else waiting.observe(document.body, { childList: true, subtree: true });
