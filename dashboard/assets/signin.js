/** The page of signing in, before it is seen and once it is there. A plain script: a module would come too late for the theme. */
'use strict';
(() => {
  const root = document.documentElement;
  try {
    const kept = localStorage.getItem('streamgauge-theme');
    if (!root.dataset.theme && (kept === 'dark' || kept === 'light')) root.dataset.theme = kept;
  } catch {
    // A browser that refuses to remember shows the system's.
  }

  /** A button that shows what is typed. @param {HTMLInputElement} input */
  function revealing(input) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'signin-reveal';
    const say = () => {
      const shown = input.type === 'text';
      button.textContent = shown ? 'Hide' : 'Show';
      button.setAttribute('aria-label', shown ? 'Hide the password' : 'Show the password');
    };
    button.addEventListener('click', () => { input.type = input.type === 'text' ? 'password' : 'text'; say(); });
    say();
    input.after(button);
    return () => { input.type = 'password'; say(); };
  }

  document.addEventListener('DOMContentLoaded', () => {
    const form = document.querySelector('form');
    const input = document.querySelector('#password');
    if (!form || !(input instanceof HTMLInputElement)) return;
    const hide = revealing(input);
    const submit = /** @type {HTMLButtonElement} */ (form.querySelector('[type=submit]'));
    form.addEventListener('submit', () => {
      hide();
      submit.disabled = true;
      submit.textContent = 'Signing in…';
    });
    addEventListener('pageshow', ({ persisted }) => { if (persisted) location.reload(); });
    // What is there when a page begins is not announced by all; what comes into a place that is announced is.
    const problem = document.querySelector('#problem');
    const text = problem?.textContent;
    if (problem && text) {
      problem.textContent = '';
      setTimeout(() => { problem.textContent = text; }, 50);
    }
  });
})();
