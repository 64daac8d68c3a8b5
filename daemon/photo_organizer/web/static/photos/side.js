// The panel beside the photos: the one in focus, and the categories with their keys.

import { el, percent } from '../page/dom.js';
import { keyOf } from './keys.js';
import { thumbnail } from './tile.js';

export class Side {
  constructor({ actions, onfile, onfind, onnew, onview }) {
    this.onfile = onfile;
    this.onfind = onfind;
    this.onnew = onnew;
    this.inspector = el('section', { class: 'inspector', 'aria-label': 'Photo in focus' });
    this.inspector.addEventListener('click', (event) => event.target.closest('figure') && onview());
    this.palette = el('section', { class: 'palette', 'aria-label': 'Categories' });
    this.element = el('aside', { class: 'side', 'aria-label': 'Photo and categories' }, this.inspector, actions, this.palette);
    this.buttons = new Map();
    this.shown = null;
  }

  setCategories(categories, keys) {
    this.buttons.clear();
    this.palette.replaceChildren(el('h2', {}, 'File in'));
    for (const name of categories) {
      const key = keyOf(keys, name);
      const button = el(
        'button',
        { type: 'button', onclick: () => this.onfile(name), 'aria-keyshortcuts': key },
        key ? el('kbd', {}, key.toUpperCase()) : null,
        el('span', {}, name),
      );
      this.acceptDrops(button, name);
      this.buttons.set(name, button);
      this.palette.append(button);
    }
    this.palette.append(
      el('button', { type: 'button', class: 'more', onclick: this.onnew, 'aria-keyshortcuts': 'n' }, el('kbd', {}, 'N'), el('span', {}, 'New category')),
      el('button', { type: 'button', class: 'more', onclick: this.onfind, 'aria-keyshortcuts': '/' }, el('kbd', {}, '/'), el('span', {}, 'Find a category')),
    );
  }

  acceptDrops(button, name) {
    const over = (event) => {
      if (!event.dataTransfer.types.includes('application/x-photos')) return;
      event.preventDefault();
      button.classList.add('over');
    };
    button.addEventListener('dragenter', over);
    button.addEventListener('dragover', over);
    button.addEventListener('dragleave', () => button.classList.remove('over'));
    button.addEventListener('drop', (event) => {
      event.preventDefault();
      button.classList.remove('over');
      this.onfile(name);
    });
  }

  show(id, photo, suggestion, note) {
    for (const [name, button] of this.buttons) button.classList.toggle('suggested', name === suggestion);
    if (!photo) {
      this.shown = null;
      this.inspector.replaceChildren();
      return;
    }
    if (this.shown !== id) {
      this.shown = id;
      this.figure = el('figure', {}, thumbnail(id, { eager: true }));
    }
    const chances = el('ul', { class: 'chances', 'aria-label': 'Most probable categories' });
    for (const [category, share] of photo.top) {
      const level = el('i');
      level.style.width = percent(share).replace(' ', '');
      chances.append(
        el('li', {}, el('span', { title: category }, category), el('span', { class: 'level' }, level), el('span', {}, percent(share))),
      );
    }
    this.inspector.replaceChildren(
      this.figure,
      el('p', { class: 'name', title: photo.name }, photo.name),
      el('p', { class: 'soft' }, note),
      chances,
    );
  }
}
