// Activity: the batches, quarantine, and what is left alone.

import { get, post } from '../page/api.js';
import { counted, el, momentOf } from '../page/dom.js';
import { thumbnail } from '../photos/tile.js';
import { complain, toast } from '../page/toast.js';

const WORDS = {
  filed: 'filed', review: 'to Review', duplicate: 'duplicates', quarantined: 'in quarantine', corrected: 'moved by you', undone: 'taken back',
};

const card = (title, note, ...content) =>
  el('section', { class: 'card', 'aria-label': title }, el('header', {}, el('h2', {}, title), note ? el('p', {}, note) : null), ...content);

export class ActivityView {
  constructor() {
    this.inner = el('div', { class: 'page-inner' });
    this.element = el('div', { class: 'page', tabindex: '0', role: 'region', 'aria-label': 'Activity' }, this.inner);
  }

  async load() {
    try {
      const { batches, quarantine, held, waiting } = await get('/api/activity');
      this.inner.replaceChildren(
        el('h1', {}, 'Activity'),
        this.waiting(waiting),
        this.quarantine(quarantine),
        this.held(held),
        this.batches(batches),
      );
    } catch (error) {
      complain(error);
    }
  }

  refresh() {
    this.load();
  }

  waiting(lines) {
    if (!lines.length) return card('Waiting', null, el('p', { class: 'soft' }, 'Nothing waits in the inboxes.'));
    return card('Waiting', null, el('ul', { class: 'lines' }, ...lines.map((line) => el('li', {}, el('span', { class: 'what' }, line)))));
  }

  batches(batches) {
    const lines = batches.map((batch) => {
      const counts = Object.entries(batch.counts).map(([action, number]) => `${number.toLocaleString('en')} ${WORDS[action] ?? action}`);
      const what = el('span', { class: 'what' }, counts.join(', '), el('small', {}, batch.id));
      const undone = batch.undone ? el('span', { class: 'badge warm' }, `${batch.undone} taken back`) : null;
      const button = batch.undoable
        ? el('button', { type: 'button', class: 'small', 'aria-label': `Undo batch ${batch.id}`, onclick: (event) => this.undo(batch, event.currentTarget) }, 'Undo')
        : null;
      return el('li', {}, el('time', { datetime: batch.time }, momentOf(batch.time)), what, undone, button);
    });
    return card('Batches', 'What was filed and moved, the last first', lines.length ? el('ul', { class: 'lines' }, ...lines) : el('p', { class: 'soft' }, 'Nothing was filed yet.'));
  }

  // More than one photo asks once more: the button says how many.
  async undo(batch, button) {
    if (batch.undoable > 1 && button.dataset.sure !== 'yes') {
      button.dataset.sure = 'yes';
      button.textContent = `Take back ${counted(batch.undoable, 'photo')}?`;
      button.classList.add('primary');
      return;
    }
    button.disabled = true;
    try {
      const { undone, refused } = await post('/api/undo', { batch: batch.id });
      toast(`${counted(undone, 'photo')} taken back`);
      if (refused.length) toast(`Not taken back: ${refused[0].name}: ${refused[0].reason}`, { kind: 'bad' });
    } catch (error) {
      complain(error);
    }
    this.load();
  }

  quarantine(photos) {
    if (!photos.length) return card('Quarantine', null, el('p', { class: 'soft' }, 'Every photo could be read.'));
    const again = el('button', { type: 'button', class: 'small', onclick: () => this.retry(photos.map(({ id }) => id)) }, 'Try all again');
    const lines = photos.map((photo) =>
      el('li', {},
        el('span', { class: 'thumb' }, thumbnail(photo.id)),
        el('span', { class: 'what' }, photo.name, el('small', {}, photo.reason)),
        el('time', { datetime: photo.when }, momentOf(photo.when)),
        el('button', { type: 'button', class: 'small', 'aria-label': `Try ${photo.name} again`, onclick: () => this.retry([photo.id]) }, 'Try again'),
      ));
    const section = card('Quarantine', `${counted(photos.length, 'photo')} that could not be read as an image`, el('ul', { class: 'lines' }, ...lines));
    section.querySelector('header').append(again);
    return section;
  }

  async retry(ids) {
    try {
      const { back, refused } = await post('/api/retry', { photos: ids });
      if (back) toast(`${counted(back, 'photo')} back in the inbox; the daemon looks at them again`);
      for (const { name, reason } of refused.slice(0, 3)) toast(`${name}: ${reason}`, { kind: 'bad' });
    } catch (error) {
      complain(error);
    }
    this.load();
  }

  held(photos) {
    if (!photos.length) return el('span', { hidden: true });
    const lines = photos.map((photo) =>
      el('li', {}, el('span', { class: 'what' }, photo.name, el('small', {}, photo.reason)), el('time', { datetime: photo.when }, momentOf(photo.when))));
    return card('Left alone', 'In the inbox, until you touch or move them', el('ul', { class: 'lines' }, ...lines));
  }
}
