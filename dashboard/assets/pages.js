/** Which page is shown, and that the URL, Dash's controls and what is seen agree. */

import { Connections } from './connections.js';
import { byId } from './health.js';
import { Navigation } from './navigation.js';
import { Theme } from './theme.js';
import { reachable } from './urls.js';

const PATIENCE_S = 5; // for controls to become what the URL says

/** @typedef {{paused: boolean, windowS: number, filter: string}} Controls */

export class Pages {
  /**
   * @param {any} config @param {{feed: import('./feed.js').Feed, store: import('./store.js').Store, view: import('./view.js').View, tab: import('./tab_health.js').TabHealth}} parts
   * @param {() => void} onShown what is seen changed otherwise than by the controls
   */
  constructor(config, { feed, store, view, tab }, onShown) {
    this.config = config;
    this.view = view;
    this.onShown = onShown;
    this.title = document.title;
    this.navigation = new Navigation((now, before) => this.#moved(now, before));
    this.connections = new Connections(byId('connections'), reachable(config.broadcaster_http, location), { feed, store, tab, navigation: this.navigation });
    this.theme = new Theme(byId('theme'), (theme) => { this.navigation.go({ theme }, true); this.theme.show(theme); });
    /** @type {number|null} */
    this.boardWindowS = null;
    /** @type {Controls|null} */
    this.controls = null;
    this.awaitedUntil = 0;
    for (const [id, page] of /** @type {const} */ ([['to-dashboard', 'dashboard'], ['to-connections', 'connections']])) {
      this.navigation.link(/** @type {HTMLAnchorElement} */ (byId(id)), () => ({ page }));
    }
  }

  begin() {
    this.#show();
    this.#steer();
  }

  /** Of this page and this dashboard, unless the URL says otherwise. */
  get windowS() {
    return this.navigation.place.windowS ?? this.boardWindowS ?? this.config.window_s;
  }

  /** @param {import('./navigation.js').Place} now @param {import('./navigation.js').Place} before */
  #moved(now, before) {
    if (now.page !== before.page) scrollTo(0, 0);
    this.#show();
    this.#steer();
    this.connections.render();
  }

  #show() {
    const { page, theme } = this.navigation.place;
    document.documentElement.dataset.page = page;
    document.title = page === 'connections' ? `Connections · ${this.title}` : this.title;
    this.theme.show(theme);
    for (const [id, name] of [['to-dashboard', 'dashboard'], ['to-connections', 'connections']]) {
      if (page === name) byId(id).setAttribute('aria-current', 'page');
      else byId(id).removeAttribute('aria-current');
    }
    byId('panels').hidden = page !== 'dashboard';
    this.connections.show(page === 'connections');
    this.onShown();
  }

  /** The board says another window than the page. @param {number|null} windowS */
  useWindow(windowS) {
    this.boardWindowS = windowS;
    this.#steer();
  }

  /** Makes Dash's controls what the URL says. */
  #steer() {
    if (!this.controls) return;
    const { at, filter } = this.navigation.place;
    const wanted = { paused: at !== null, windowS: this.windowS, filter };
    if (same(wanted, this.controls)) {
      if (at !== null) this.view.right = at;
      return;
    }
    this.awaitedUntil = performance.now() + PATIENCE_S * 1000;
    if (wanted.filter !== this.controls.filter) setProps('filter', { value: filter });
    if (wanted.windowS !== this.controls.windowS) setProps('window', { value: wanted.windowS, options: options(wanted.windowS) });
    if (wanted.paused !== this.controls.paused) setProps('pause', { n_clicks: wanted.paused ? 1 : 0 });
  }

  /**
   * Dash says what its controls are: a person's choice goes into the URL, unless the URL has the word just now.
   * @param {Controls} controls @returns {boolean} whether they are to be followed
   */
  take(controls) {
    const first = this.controls === null;
    this.controls = controls;
    const { at, filter } = this.navigation.place;
    const wanted = { paused: at !== null, windowS: this.windowS, filter };
    const agreed = same(wanted, controls);
    if (first && !agreed) {
      this.#steer();
      return false;
    }
    if (!agreed && performance.now() < this.awaitedUntil) return false;
    this.awaitedUntil = 0;
    this.view.set(controls.paused, controls.windowS, controls.filter);
    if (controls.paused && at !== null) this.view.right = at;
    if (agreed) return true;
    const usual = controls.windowS === (this.boardWindowS ?? this.config.window_s);
    const onlyTyping = controls.windowS === wanted.windowS && controls.paused === wanted.paused;
    this.navigation.go({
      filter: controls.filter,
      windowS: usual ? null : controls.windowS,
      at: controls.paused ? at ?? Math.round(this.view.right * 1000) / 1000 : null,
    }, onlyTyping);
    return true;
  }
}

/** @param {Controls} a @param {Controls} b */
const same = (a, b) => a.paused === b.paused && a.windowS === b.windowS && a.filter === b.filter;

/** @param {string} id @param {object} props */
function setProps(id, props) {
  /** @type {any} */ (window).dash_clientside.set_props(id, props);
}

/** The choices of the window, and this one if it is none of them. @param {number} windowS */
function options(windowS) {
  const known = [...document.querySelectorAll('#window label')].map((label) => ({ label: label.textContent ?? '', value: Number(/** @type {HTMLInputElement} */ (label.querySelector('input')).value) }));
  return known.some(({ value }) => value === windowS) ? known : [{ label: `${windowS} s`, value: windowS }, ...known];
}
