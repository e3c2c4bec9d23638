/** Checks of the modules of keys and announcements (see dashboard_modules.js). */

const press = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, defaultPrevented: false, ...more });

export const checks = {
  'keys.js: letters whatever their case, signs whatever they need, and no key of a browser': async (m, same) => {
    same([press('j'), press('J'), press('?', { shiftKey: true }), press('/', { shiftKey: true }), press(' '), press('ArrowLeft')].map(m.nameOf), ['j', 'j', '?', '/', ' ', 'ArrowLeft']);
    same([press('c', { ctrlKey: true }), press('c', { metaKey: true }), press('t', { altKey: true }), press('J', { shiftKey: true }), press(' ', { shiftKey: true }), press('ArrowLeft', { shiftKey: true }), press('j', { isComposing: true }), press('j', { defaultPrevented: true })].map(m.nameOf), ['', '', '', '', '', '', '', '']);
  },
  'keys.js: who has the focus keeps what it needs': async (m, same) => {
    const box = document.createElement('div');
    box.innerHTML = '<input type="search"><input type="radio"><button></button><a href="/"></a><div role="menu"><p></p></div><textarea></textarea>';
    const [search, radio, button, link, menu, area] = box.children;
    same([[search, 'j'], [area, 'Escape'], [radio, 'ArrowLeft'], [radio, 'j'], [button, ' '], [button, 'j'], [link, ' '], [menu.firstChild, 'ArrowUp'], [null, ' ']].map(([node, name]) => m.belongsTo(name, node)), [true, true, true, false, true, false, false, true, false]);
  },
  'keys.js: a key has one meaning': async (m, same) => {
    const keys = new m.Keys();
    const key = (...names) => ({ keys: names, does: names[0], group: names[0] < 'c' ? 'first' : 'second', act: () => {} });
    keys.add(key('a'), key('c'), key('b'));
    same([...keys.groups].map(([group, those]) => [group, those.map(({ does }) => does)]), [['first', ['a', 'b']], ['second', ['c']]]);
    let refused = '';
    try { keys.add(key('d', 'a')); } catch (error) { refused = error.message; }
    same(refused, 'the key a has a meaning already');
  },
  'announcer.js: seldom, the newest of each topic, and nothing that has become untrue': async (m, same) => {
    let now = 0;
    const announcer = new m.Announcer(() => now);
    const said = () => [announcer.polite.textContent, announcer.urgent.textContent];
    announcer.say('a', 'one'); announcer.tick();
    same(said(), ['one', '']);
    announcer.say('a', 'two'); announcer.say('b', () => 'three'); announcer.say('a', 'four'); announcer.say('c', () => '');
    now = 3999; announcer.tick();
    same(said(), ['one', '']);
    now = 4000; announcer.tick();
    same(said(), ['three four', '']);
    now = 20_000; announcer.tick();
    same(said(), ['', '']);
  },
  'announcer.js: an alarm comes at once, and not again and again': async (m, same) => {
    let now = 0;
    const announcer = new m.Announcer(() => now);
    announcer.say('connection', 'live');
    announcer.alarm('connection', 'lost');
    announcer.tick();
    same([announcer.polite.textContent, announcer.urgent.textContent], ['', 'lost']);
    now = 10_000;
    announcer.alarm('connection', 'lost again');
    announcer.tick();
    same([announcer.polite.textContent, announcer.urgent.textContent], ['lost again', '']);
    now = 15_000;
    announcer.alarm('connection', 'lost once more');
    same(announcer.urgent.textContent, 'lost once more');
    announcer.alarm('alert', 'too hot');
    same(announcer.urgent.textContent, 'too hot');
  },
};
