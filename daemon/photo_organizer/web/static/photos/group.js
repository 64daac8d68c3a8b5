// A group in the grid: its element, kept for as long as it shows the same photos.

import { el } from '../page/dom.js';
import { tile } from './tile.js';

export class GroupElement {
  // `before`: tiles by their id that were on the screen, whose pictures are loaded.
  constructor(group, { title, detail }, photos, before) {
    this.photos = group.photos;
    this.marks = group.photos.map((id) => photos[id].mark);
    this.tiles = group.photos.map((id) => {
      const kept = before.get(`p-${id}`);
      return kept && kept.mark === photos[id].mark ? kept : tile(id, photos[id]);
    });
    this.grid = el('div', { class: 'tiles', role: 'presentation' }, ...this.tiles);
    const label = [title, detail].filter(Boolean).join(', ');
    this.element = el(
      'div',
      { class: 'photo-group', role: 'group', 'aria-label': label },
      el('div', { class: 'group-head', role: 'presentation', title: label }, el('b', {}, title), detail ? el('span', {}, detail) : null),
      this.grid,
    );
    this.style = '';
    this.isCurrent = false;
  }

  isOf(group, photos) {
    return this.photos === group.photos && group.photos.every((id, index) => photos[id]?.mark === this.marks[index]);
  }

  place({ top, height, tile: size }, { left, width, across }) {
    const style = `${top} ${height} ${left} ${width} ${across} ${size}`;
    if (style === this.style) return;
    this.style = style;
    this.element.style.top = `${top}px`;
    this.element.style.left = `${left}px`;
    this.element.style.height = `${height}px`;
    this.element.style.width = `${width}px`;
    this.grid.style.gridTemplateColumns = `repeat(${across}, ${size}px)`;
  }

  mark(selection, isCurrent) {
    if (isCurrent !== this.isCurrent) {
      this.isCurrent = isCurrent;
      this.element.classList.toggle('current', isCurrent);
    }
    this.photos.forEach((id, index) => {
      const element = this.tiles[index];
      const isSelected = selection.has(id);
      const isFocused = id === selection.focus;
      if (element.isSelected !== isSelected) {
        element.isSelected = isSelected;
        element.setAttribute('aria-selected', String(isSelected));
      }
      if (element.isFocused !== isFocused) {
        element.isFocused = isFocused;
        element.classList.toggle('focused', isFocused);
      }
    });
  }
}
