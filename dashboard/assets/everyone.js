/** What makes the page one for everybody: keys and their help, what is said aloud, calm motion, and names for what Dash draws without. */

import { announcer } from './announcer.js';
import { byId } from './health.js';
import { Help } from './help.js';
import { h } from './html.js';
import { Keys } from './keys.js';
import { Narrator } from './narrator.js';
import { pageKeys } from './page_keys.js';

const CALM = matchMedia('(prefers-reduced-motion: reduce)');
const STEP_S = 1; // a calm page moves once in so many seconds, not with every frame

/**
 * @param {{feed: import('./client/feed.js').Feed, view: import('./view.js').View, pages: import('./pages.js').Pages, panels: () => import('./panels.js').Panels|null}} parts
 * @returns {() => void} to be called a few times a second
 */
export function welcomeEveryone({ feed, view, pages, panels }) {
  const keys = new Keys();
  const help = new Help(keys);
  keys.add(...pageKeys({ view, pages, panels, help: () => help.open() }));
  keys.listen();
  byId('help').addEventListener('click', () => help.open());
  byId('filter').addEventListener('keydown', ({ key }) => { if (key === 'Escape') byId('filter').blur(); });
  unfold();
  mendWindows();
  title();
  const move = () => { view.stepS = CALM.matches ? STEP_S : 0; };
  CALM.addEventListener('change', move);
  move();
  announcer.begin(document.body);
  const narrator = new Narrator(announcer, feed, view);
  return () => narrator.tick();
}

/** On a phone the bar shows the most important figures, and all of them when a person asks. */
function unfold() {
  const button = byId('more-figures');
  button.addEventListener('click', () => {
    const open = byId('health').toggleAttribute('data-open');
    button.setAttribute('aria-expanded', String(open));
    button.textContent = open ? 'Fewer figures' : 'All figures';
  });
}

/** Dash calls them options of a list, with something to press inside: what they are is radio buttons. */
function mendWindows() {
  const group = byId('window');
  group.setAttribute('role', 'radiogroup');
  group.setAttribute('aria-label', 'Time window');
  const mend = () => {
    for (const label of group.querySelectorAll('label:is([role], [aria-selected])')) {
      label.removeAttribute('role');
      label.removeAttribute('aria-selected');
    }
  };
  new MutationObserver(mend).observe(group, { childList: true, subtree: true, attributeFilter: ['role', 'aria-selected'] });
  mend();
}

/** Where the header is not shown, on a wall and inside another page, the page has a title all the same. */
function title() {
  byId('main').prepend(h('h1', { class: 'page-title visually-hidden' }, document.querySelector('.top h1')?.textContent ?? ''));
}
