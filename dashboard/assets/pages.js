/** Which page is shown, and that the URL, Dash's controls and what is seen agree. */

import { load, Picker, Refused } from './boards.js';
import { Connections } from './connections.js';
import { Editor } from './editor.js';
import { embedded, wholeUrl } from './embed.js';
import { byId } from './health.js';
import { h } from './html.js';
import { Kiosk } from './kiosk.js';
import { Moment } from './moment.js';
import { Navigation } from './navigation.js';
import { Theme } from './theme.js';
import { title } from './title.js';
import { reachable } from './client/urls.js';

const PATIENCE_S = 5; // for controls to become what the URL says

/** @typedef {{paused: boolean, windowS: number, filter: string}} Controls */

export class Pages {
  /**
   * @param {any} config @param {{feed: import('./client/feed.js').Feed, store: import('./client/store.js').Store, view: import('./view.js').View, tab: import('./tab_health.js').TabHealth}} parts
   * @param {() => void} onShown what is seen changed otherwise than by the controls
   * @param {(specs: import('./board_panels.js').Spec[]|null) => void} onBoard these panels are wanted; null: one a metric
   */
  constructor(config, { feed, store, view, tab }, onShown, onBoard) {
    this.onBoard = onBoard;
    this.picker = new Picker(byId('boards'), (dashboard) => this.navigation.go({ dashboard, windowS: null, hide: '', only: '' }));
    this.editor = new Editor(byId('boards'), { store, lay: onBoard, saved: () => this.saved, done: (saved) => this.#edited(saved) });
    /** @type {import('./boards.js').Saved|null} */
    this.saved = null;
    this.board = ''; // the name of the one that is shown or under way
    this.config = config;
    this.view = view;
    this.onShown = onShown;
    this.title = document.title;
    this.navigation = new Navigation((now, before) => this.#moved(now, before));
    this.connections = new Connections(byId('connections'), reachable(config.broadcaster_http, location), { feed, store, tab, navigation: this.navigation });
    this.moment = new Moment(byId('moment'), view);
    this.kiosk = new Kiosk(() => this.navigation.go({ kiosk: false }));
    view.onMoved = (moment, replace) => this.navigation.go(moment, replace);
    view.choice.onChosen = (texts) => this.navigation.go(texts, true);
    this.theme = new Theme(byId('theme'), (theme) => { this.navigation.go({ theme }, true); this.theme.show(theme); });
    this.navigation.allows = (next, now) => (next.page === now.page && next.dashboard === now.dashboard) || this.#leaves();
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
    if (this.navigation.place.page === 'embed') this.#embed();
    else void this.picker.refresh();
    this.#show();
    this.#steer();
  }

  /** Of this page and this dashboard, unless the URL says otherwise. */
  get windowS() {
    return this.navigation.place.windowS ?? this.boardWindowS ?? this.config.window_s;
  }

  /** A link to the whole, from one panel. */
  #embed() {
    const { place } = this.navigation;
    if (!place.dashboard) this.#one(null);
    byId('health').append(h('a', { class: 'embed-link', href: wholeUrl(place), target: '_blank', rel: 'noopener' }, 'Open the dashboard'));
  }

  /** @param {import('./board_panels.js').Spec[]|null} panels of which one is embedded */
  #one(panels) {
    const wanted = embedded(this.navigation.place, panels);
    this.onBoard(wanted);
    if (!wanted.length) byId('panels').replaceChildren(h('p', { class: 'no-match' }, 'There is no such panel.'));
  }

  /** @returns {boolean} whether nothing is lost, or a person lets it go */
  #leaves() {
    if (this.editor.cancel()) return true;
    this.picker.show(this.board);
    return false;
  }

  /** What the editor leaves is shown, and is the URL's. @param {import('./boards.js').Saved|null} saved */
  #edited(saved) {
    this.board = saved?.name ?? '';
    this.#use(saved);
    this.picker.show(this.board);
    void this.picker.refresh();
    const made = saved !== null && !this.navigation.place.dashboard; // of what the filter left, which it holds by itself now
    this.navigation.go({ dashboard: this.board, ...(made && { filter: '' }) });
  }

  /** @param {import('./navigation.js').Place} now @param {import('./navigation.js').Place} before */
  #moved(now, before) {
    if (now.page !== before.page) scrollTo(0, 0);
    this.#show();
    this.#steer();
    this.connections.render();
  }

  #show() {
    const { page, theme, range, kiosk } = this.navigation.place;
    document.documentElement.dataset.page = page;
    this.#title();
    this.theme.show(theme);
    this.view.show(range);
    this.view.choice.read(this.navigation.place);
    this.moment.render();
    this.kiosk.show(kiosk);
    for (const [id, name] of [['to-dashboard', 'dashboard'], ['to-connections', 'connections']]) {
      if (page === name) byId(id).setAttribute('aria-current', 'page');
      else byId(id).removeAttribute('aria-current');
    }
    byId('panels').hidden = page === 'connections';
    this.connections.show(page === 'connections');
    this.onShown();
    void this.#choose(this.navigation.place.dashboard);
  }

  /** @param {string} name of a saved dashboard; empty: none */
  async #choose(name) {
    if (name === this.board) return;
    this.board = name;
    this.picker.show(name);
    try {
      const saved = name ? await load(name) : null;
      if (name === this.board) this.#use(saved);
    } catch (error) {
      if (name === this.board) this.#apologise(name, error);
    }
  }

  /** @param {import('./boards.js').Saved|null} saved */
  #use(saved) {
    this.saved = saved;
    const root = document.documentElement;
    root.toggleAttribute('data-board', saved !== null);
    root.removeAttribute('data-board-note');
    this.boardWindowS = saved?.dashboard.window_s ?? null;
    const panels = saved?.dashboard.panels ?? null;
    if (this.navigation.place.page === 'embed') this.#one(panels);
    else this.onBoard(panels);
    this.#title();
    this.#steer();
  }

  #title() {
    const name = this.navigation.place.page === 'connections' ? 'Connections' : this.saved && (this.saved.dashboard.title || this.saved.name);
    title.call(name ? `${name} · ${this.title}` : this.title);
  }

  /** @param {string} name @param {unknown} error */
  #apologise(name, error) {
    const what = error instanceof Refused && error.code === 'bad_board' ? `${name}.toml${error.line ? `, line ${error.line}` : ''}: ` : '';
    const title = what ? 'This dashboard cannot be read' : error instanceof Refused && error.code === 'not_found' ? `There is no dashboard called ${name}` : 'The dashboard did not arrive';
    const text = error instanceof Refused && !what ? '' : `${what}${error instanceof Error ? error.message : error}`;
    const back = h('button', { class: 'button', onclick: () => this.navigation.go({ dashboard: '' }) }, 'Show all metrics');
    const again = h('button', { class: 'button', onclick: () => { this.board = ''; void this.#choose(name); } }, 'Try again');
    this.onBoard([]);
    document.documentElement.toggleAttribute('data-board-note', true);
    byId('panels').replaceChildren(h('section', { class: 'board-note', role: 'alert' }, h('h2', {}, title), h('p', {}, text), back, ' ', again));
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
      range: onlyTyping ? this.navigation.place.range : null, // a window begins at what is newest, and so does a pause
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
