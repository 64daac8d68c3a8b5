// The dialogs: keys, finding and making categories, a photo in large.

import { el } from './dom.js';
import { HELP } from '../photos/keys.js';
import { thumbnail } from '../photos/tile.js';

function open(dialog) {
  document.body.append(dialog);
  const before = document.activeElement;
  dialog.addEventListener('close', () => {
    dialog.remove();
    before?.focus?.();
  });
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  dialog.showModal();
  return dialog;
}

export const isOpen = () => Boolean(document.querySelector('dialog[open]'));

export function showKeys() {
  const list = el('dl', { class: 'keys' });
  for (const [keys, what] of HELP) {
    list.append(el('dt', {}, ...keys.map((key) => el('kbd', {}, key))), el('dd', {}, what));
  }
  const close = el('form', { method: 'dialog' }, el('div', { class: 'row' }, el('button', { class: 'primary' }, 'Close')));
  open(el('dialog', { 'aria-labelledby': 'keys-title' }, el('h2', { id: 'keys-title' }, 'Keys'), list, close));
}

export function findCategory(categories, choose) {
  const input = el('input', { type: 'search', 'aria-label': 'Category', placeholder: 'Category', autocomplete: 'off', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'found' });
  const options = el('div', { class: 'options', role: 'listbox', id: 'found', 'aria-label': 'Categories' });
  const dialog = el('dialog', { 'aria-labelledby': 'find-title' }, el('h2', { id: 'find-title' }, 'Find a category'), el('form', {}, input, options));
  let found = [];
  let at = 0;
  const pick = (name) => {
    dialog.close();
    choose(name);
  };
  const draw = () => {
    const words = input.value.trim().toLowerCase();
    const begins = categories.filter((name) => name.toLowerCase().startsWith(words));
    const holds = categories.filter((name) => !begins.includes(name) && name.toLowerCase().includes(words));
    found = [...begins, ...holds];
    at = Math.min(at, Math.max(0, found.length - 1));
    options.replaceChildren(
      ...found.map((name, index) =>
        el('button', { type: 'button', role: 'option', tabindex: '-1', id: `found-${index}`, 'aria-selected': String(index === at), onclick: () => pick(name) }, name)),
    );
    if (found.length) input.setAttribute('aria-activedescendant', `found-${at}`);
    else input.removeAttribute('aria-activedescendant');
    options.children[at]?.scrollIntoView({ block: 'nearest' });
  };
  input.addEventListener('input', () => {
    at = 0;
    draw();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') at = Math.min(found.length - 1, at + 1);
    else if (event.key === 'ArrowUp') at = Math.max(0, at - 1);
    else if (event.key === 'Enter') {
      event.preventDefault();
      if (found[at]) pick(found[at]);
      return;
    } else return;
    event.preventDefault();
    draw();
  });
  draw();
  open(dialog);
  input.focus();
}

export function newCategory(count, choose) {
  const input = el('input', { type: 'text', id: 'new-name', autocomplete: 'off', required: true, maxlength: '100' });
  const form = el(
    'form',
    {},
    el('label', { for: 'new-name' }, 'Its name is the name of its folder in the library.'),
    input,
    el('div', { class: 'row' }, el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), el('button', { class: 'primary' }, `File ${count} there`)),
  );
  const dialog = el('dialog', { 'aria-labelledby': 'new-title' }, el('h2', { id: 'new-title' }, 'New category'), form);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name) return;
    dialog.close();
    choose(name);
  });
  open(dialog);
  input.focus();
}

export function viewPhoto(id, photo) {
  const image = thumbnail(id, { large: true, alt: photo.name, eager: true });
  const close = el('form', { method: 'dialog' }, el('div', { class: 'row' }, el('button', {}, 'Close')));
  const dialog = open(el('dialog', { class: 'picture', 'aria-label': photo.name }, image, el('p', {}, photo.name), close));
  dialog.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() === 'v') dialog.close();
  });
}
