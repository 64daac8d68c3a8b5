// What was done in this window, so that Z takes back its own last action and not another window's.

import { post } from './api.js';
import { announce, counted } from './dom.js';
import { complain, toast } from './toast.js';

class Actions {
  constructor() {
    this.stack = [];
    this.pending = 0; // asked for, and not answered yet
    this.onchange = () => {};
    this.onsettled = () => {};
  }

  async ask(path, body) {
    this.pending += 1;
    try {
      return await post(path, body);
    } finally {
      this.pending -= 1;
      setTimeout(() => this.onsettled());
    }
  }

  // `restore(photos)` is called with the photos that came back.
  file(ids, category, restore) {
    const action = { kind: 'file', ids, category, restore, undone: false };
    action.done = this.ask('/api/file', { photos: ids, category }).then((answer) => {
      action.batch = answer.batch;
      action.category = answer.category;
      if (!answer.moved.length) this.drop(action);
      this.onchange();
      return answer;
    });
    action.done.catch(() => this.drop(action));
    this.stack.push(action);
    return action;
  }

  confirm(ids, restore) {
    const action = { kind: 'confirm', ids, restore, undone: false };
    action.done = this.ask('/api/confirm', { photos: ids });
    action.done.catch(() => this.drop(action));
    this.stack.push(action);
    return action;
  }

  drop(action) {
    this.stack = this.stack.filter((one) => one !== action);
  }

  async undo(action = this.stack.at(-1)) {
    if (!action || action.undone) {
      if (!action) toast('Nothing to undo in this window. Activity has the batches before.');
      return;
    }
    action.undone = true;
    this.drop(action);
    try {
      await action.done;
      if (action.kind === 'confirm') {
        await this.ask('/api/withdraw', { photos: action.ids });
        action.restore();
        announce('confirmation taken back');
        return;
      }
      const answer = await this.ask('/api/undo', { batch: action.batch });
      action.restore(answer.photos);
      for (const { name, reason } of answer.refused) toast(`Not taken back: ${name}: ${reason}`, { kind: 'bad' });
      const text = `${counted(answer.undone, 'photo')} taken back`;
      announce(text);
      toast(text);
      this.onchange();
    } catch (error) {
      complain(error);
    }
  }
}

export const actions = new Actions();
