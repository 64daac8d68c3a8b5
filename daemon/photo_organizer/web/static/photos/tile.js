// One photo in the grid.

import { el, percent } from '../page/dom.js';

export function thumbnail(id, { large = false, alt = '', eager = false } = {}) {
  const image = el('img', { alt, decoding: 'async', draggable: 'false', loading: eager ? 'eager' : 'lazy' });
  image.addEventListener('load', () => image.classList.add('here'));
  image.addEventListener('error', () => image.replaceWith(el('span', { class: 'missing' }, 'no preview')));
  image.src = `/${large ? 'picture' : 'thumbnail'}/${id}`;
  return image;
}

export function guesses(photo) {
  const list = el('ul', { class: 'guesses' });
  for (const [category, share] of photo.top) {
    list.append(el('li', {}, el('span', {}, category), el('span', {}, percent(share))));
  }
  return list;
}

function label(photo) {
  const top = photo.top.map(([category, share]) => `${category} ${percent(share)}`).join(', ');
  return `${photo.name}. ${top ? `Suggested: ${top}` : 'No suggestion'}`;
}

export function tile(id, photo) {
  const element = el(
    'div',
    {
      class: 'tile', id: `p-${id}`, role: 'option', draggable: 'true', 'aria-selected': 'false',
      'aria-label': label(photo), dataset: { photo: id }, title: photo.name,
    },
    el('figure', {}, thumbnail(id, { eager: true }), el('span', { class: 'check' })),
    guesses(photo),
  );
  if (photo.mark) element.append(el('span', { class: 'mark' }, photo.mark));
  element.mark = photo.mark;
  return element;
}
