// Short messages at the bottom, which go by themselves.

import { el } from './dom.js';

const SECONDS = { info: 6, bad: 12 };
const MOST = 3;

export function toast(text, { kind = 'info', action, onaction, key } = {}) {
  const place = document.querySelector('.toasts');
  for (const other of place.children) if (other.dataset.text === text) other.remove(); // not twice
  const note = el('div', { class: `toast ${kind}`, dataset: { text } }, el('span', {}, text));
  const remove = () => note.remove();
  if (action) {
    const press = () => {
      remove();
      onaction();
    };
    note.append(el('button', { type: 'button', class: 'small', onclick: press }, action, key ? el('kbd', {}, key) : null));
  }
  place.append(note);
  while (place.children.length > MOST) place.firstElementChild.remove();
  setTimeout(remove, 1000 * SECONDS[kind]);
  return remove;
}

export const complain = (error) => toast(error.message || String(error), { kind: 'bad' });
