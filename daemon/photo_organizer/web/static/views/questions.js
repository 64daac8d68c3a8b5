// What the model asks: labels that are probably slips, one after the other, and folders that may be categories.

import { actions } from '../page/actions.js';
import { post } from '../page/api.js';
import { viewPhoto } from '../page/dialogs.js';
import { counted, el, percent } from '../page/dom.js';
import { categoryKeys } from '../photos/keys.js';
import { thumbnail } from '../photos/tile.js';
import { complain, toast } from '../page/toast.js';

export class Questions {
  constructor() {
    this.element = el('section', { class: 'card', 'aria-label': 'Questions', hidden: true });
    this.open = [];
    this.categories = [];
  }

  setCategories(categories) {
    this.categories = categories;
  }

  show(questions) {
    this.open = questions;
    this.draw();
  }

  draw() {
    const [question] = this.open;
    this.element.hidden = !question;
    if (!question) return;
    const { id, name, category, looks_like: other, confidence } = question;
    const figure = el('button', { type: 'button', class: 'photo', 'aria-label': `View ${name} large`, onclick: () => viewPhoto(id, question) }, thumbnail(id, { eager: true }));
    const keep = el('button', { type: 'button', onclick: () => this.keep(), 'aria-keyshortcuts': 'y' }, `Keep in ${category}`, el('kbd', {}, 'Y'));
    const change = el('button', { type: 'button', class: 'primary', onclick: () => this.move(other), 'aria-keyshortcuts': 'Enter' }, `Move to ${other}`, el('kbd', {}, 'Enter'));
    const skip = el('button', { type: 'button', class: 'quiet', onclick: () => this.skip(), 'aria-keyshortcuts': 's' }, 'Later', el('kbd', {}, 'S'));
    const keys = [...categoryKeys(this.categories)].filter(([, one]) => one !== category && one !== other);
    this.element.replaceChildren(
      el('header', {}, el('h2', {}, 'Is this right?'), el('p', {}, `${counted(this.open.length, 'photo')} that may be in the wrong category`)),
      el('div', { class: 'question' },
        figure,
        el('div', {},
          el('p', { role: 'status' }, el('b', {}, name), ' is in ', el('b', {}, category), '. It looks like ', el('b', {}, `${other} (${percent(confidence)})`), '.'),
          el('div', { class: 'answers' }, change, keep, skip),
          el('ul', { class: 'others', 'aria-label': 'Other categories' },
            ...keys.map(([key, one]) => el('li', {}, el('button', { type: 'button', class: 'small', onclick: () => this.move(one), 'aria-keyshortcuts': key }, el('kbd', {}, key.toUpperCase()), one)))))),
    );
  }

  take() {
    const question = this.open.shift();
    this.draw();
    return question;
  }

  putBack(question) {
    this.open.unshift(question);
    this.draw();
  }

  async keep() {
    const question = this.take();
    const action = actions.confirm([question.id], () => this.putBack(question));
    try {
      await action.done;
      this.tell(`Kept in ${question.category}`, action);
    } catch (error) {
      this.putBack(question);
      complain(error);
    }
  }

  async move(category) {
    const question = this.take();
    const back = (photos) => this.putBack({ ...question, id: Object.keys(photos)[0] ?? question.id });
    const action = actions.file([question.id], category, back);
    try {
      const { refused } = await action.done;
      if (refused.length) toast(`Not moved: ${refused[0].name}: ${refused[0].reason}`, { kind: 'bad' });
      else this.tell(`Moved to ${category}`, action);
    } catch (error) {
      this.putBack(question);
      complain(error);
    }
  }

  tell(text, action) {
    toast(text, { action: 'Undo', key: 'Z', onaction: () => actions.undo(action) });
  }

  skip() {
    this.open.push(this.open.shift());
    this.draw();
  }

  key(key) {
    if (!this.open.length) return false;
    const category = categoryKeys(this.categories).get(key);
    if (key === 'y') this.keep();
    else if (key === 'Enter') this.move(this.open[0].looks_like);
    else if (key === 's') this.skip();
    else if (category) this.move(category);
    else return false;
    return true;
  }
}

// Folders that their owner made. `onchosen` is called when one was decided.
export function foundFolders(folders, onchosen) {
  const section = el('section', { class: 'card', 'aria-label': 'New folders', hidden: !folders.length });
  const choose = async (name, accept) => {
    try {
      await post('/api/folder', { folder: name, accept });
      toast(accept ? `${name} is a category now; the next retraining learns it` : `${name} is left alone`);
    } catch (error) {
      complain(error);
    }
    onchosen();
  };
  const lines = folders.map(({ name, photos }) =>
    el('li', {},
      el('span', { class: 'what' }, name, el('small', {}, counted(photos, 'photo'))),
      el('button', { type: 'button', class: 'small primary', 'aria-label': `Make ${name} a category`, onclick: () => choose(name, true) }, 'A category'),
      el('button', { type: 'button', class: 'small', 'aria-label': `Leave ${name} alone`, onclick: () => choose(name, false) }, 'Leave alone')));
  section.append(
    el('header', {}, el('h2', {}, 'Are these categories?'), el('p', {}, 'Folders that you made. Photos are filed in categories only.')),
    el('ul', { class: 'lines' }, ...lines));
  return section;
}
