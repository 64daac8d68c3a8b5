// Learning: labels, retraining, models, and what a threshold would do.

import { get, post } from '../page/api.js';
import { at, draw, expected } from './curve.js';
import { counted, el, momentOf, percent } from '../page/dom.js';
import { foundFolders, Questions } from './questions.js';
import { complain, toast } from '../page/toast.js';

const figure = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
const share = (value) => (typeof value === 'number' ? `${(100 * value).toFixed(1)} %` : '–');

export class LearningView {
  constructor() {
    this.inner = el('div', { class: 'page-inner' });
    this.element = el('div', { class: 'page', tabindex: '0', role: 'region', 'aria-label': 'Learning' }, this.inner);
    this.train = el('button', { type: 'button', class: 'primary', onclick: () => this.begin() }, 'Train now');
    this.questions = new Questions();
    this.progressBar = el('i');
    this.progress = el('div', { class: 'progress', role: 'progressbar', 'aria-label': 'Retraining', 'aria-valuemin': '0', 'aria-valuemax': '100', hidden: true }, this.progressBar);
    this.progressText = el('p', { class: 'soft', role: 'status' });
  }

  async load() {
    try {
      const answer = await get('/api/learning');
      this.questions.show(answer.questions);
      this.inner.replaceChildren(el('h1', {}, 'Learning'), this.questions.element, foundFolders(answer.folders, () => this.load()), this.labels(answer), this.threshold(answer), this.report(answer), this.models(answer.models));
    } catch (error) {
      complain(error);
    }
  }

  setCategories(categories) {
    this.questions.setCategories(categories);
  }

  key(key) {
    return this.questions.key(key);
  }

  labels({ labels, next_retraining: next, min_new_labels: least, training }) {
    this.train.disabled = training;
    const header = el('header', {}, el('h2', {}, 'What it learns from you'), el('p', {}, 'Photos that you moved or confirmed are its lessons.'), this.train);
    const figures = el('dl', { class: 'figures' },
      figure('New labels', labels === null ? '–' : labels.toLocaleString('en')),
      figure('Worth a retraining from', String(least)),
      figure('Next retraining', next ? momentOf(next) : 'by hand only'));
    return el('section', { class: 'card', 'aria-label': 'What it learns from you' }, header, figures, this.progress, this.progressText);
  }

  async begin() {
    this.train.disabled = true;
    try {
      const { started } = await post('/api/train');
      if (!started) toast('A retraining is under way already');
    } catch (error) {
      this.train.disabled = false;
      complain(error);
    }
  }

  showProgress({ running, stage, done, total, text, failed, promoted }) {
    this.train.disabled = running;
    this.progress.hidden = !running;
    if (running) {
      this.progress.classList.toggle('unknown', !total);
      const part = total ? Math.round((100 * done) / total) : 0;
      this.progressBar.style.width = `${part}%`;
      if (total) this.progress.setAttribute('aria-valuenow', String(part));
      else this.progress.removeAttribute('aria-valuenow');
      this.progressText.textContent = [stage, total ? `${done} of ${total}` : '', text].filter(Boolean).join(' · ');
      return;
    }
    const how = failed ? 'Retraining failed' : promoted ? 'A new model is in use' : 'The model stays as it is';
    this.progressText.textContent = text ? `${how}: ${text}` : how;
    if (this.element.isConnected) this.load();
  }

  threshold({ curve, confidences, threshold }) {
    const section = el('section', { class: 'card', 'aria-label': 'The threshold' }, el('header', {}, el('h2', {}, 'The threshold'), el('p', {}, 'Surer photos are filed, the others go to Review.')));
    const begin = threshold ?? 0.85;
    const output = el('output', { class: 'number' }, begin.toFixed(2));
    const slider = el('input', { type: 'range', min: '0', max: '1', step: '0.01', value: String(begin), 'aria-label': 'Threshold' });
    const text = el('p', { 'aria-live': 'polite' });
    const points = curve.length ? curve : expected(confidences);
    const picture = points.length ? draw(points, begin) : null;
    const tell = () => {
      const value = Number(slider.value);
      output.textContent = value.toFixed(2);
      picture?.moveTo(value);
      const filed = confidences.filter((confidence) => confidence >= value).length;
      const parts = [`At ${value.toFixed(2)}, ${filed.toLocaleString('en')} of your last ${counted(confidences.length, 'photo')} would be filed`];
      if (points.length) {
        const { precision } = at(points, value);
        const how = curve.length ? 'on held-out photos' : 'if the model is as right as it is sure';
        parts.push(`about ${Math.round(filed * precision).toLocaleString('en')} of them right (${percent(precision)} ${how})`);
      }
      text.textContent = `${parts.join(', ')}.`;
    };
    slider.addEventListener('input', tell);
    tell();
    if (picture) section.append(picture, el('p', { class: 'legend' }, el('span', {}, 'filed'), el('span', { class: 'right' }, 'right, of those filed')));
    if (!curve.length) section.append(el('p', { class: 'soft' }, 'Drawn from your own photos and how sure the model was of them; the report of the next retraining has it from held-out photos.'));
    section.append(el('div', { class: 'threshold' }, el('span', { class: 'soft' }, 'Threshold'), slider, output), text);
    section.append(el('p', { class: 'soft' }, 'To use it, set thresholds.default in organizer.yaml; a running daemon reloads it.'));
    return section;
  }

  report({ categories, report }) {
    if (!categories.length) return el('span', { hidden: true });
    const rows = [...categories].sort((a, b) => a.recall - b.recall).map((row) =>
      el('tr', {},
        el('th', { scope: 'row' }, row.category),
        el('td', { class: 'number' }, row.photos.toLocaleString('en')),
        el('td', { class: 'number' }, share(row.precision)),
        el('td', { class: 'number' }, share(row.recall)),
        el('td', { class: 'number' }, share(row.filed_share))));
    const head = ['Category', 'Photos', 'Right of its guesses', 'Found', 'Filed'].map((name, index) => el('th', { scope: 'col', class: index ? 'number' : undefined }, name));
    const table = el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows));
    return el('section', { class: 'card', 'aria-label': 'Report of the model in use' },
      el('header', {}, el('h2', {}, 'Report of the model in use'), el('p', {}, 'Hardest categories first')),
      el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Figures by category' }, table),
      report ? el('p', { class: 'soft' }, `All of it, with pictures: ${report}`) : null);
  }

  models(models) {
    const rows = models.map((model) => {
      const state = model.current
        ? el('span', { class: 'badge' }, 'in use')
        : model.problem
          ? el('span', { class: 'badge bad', title: model.problem }, 'damaged')
          : el('button', { type: 'button', class: 'small', 'aria-label': `Use ${model.id}`, onclick: () => this.use(model.id) }, 'Use');
      return el('tr', {},
        el('th', { scope: 'row', title: model.rejected }, model.id),
        el('td', {}, model.made ? momentOf(model.made) : ''),
        el('td', { class: 'number' }, share(model.metrics.accuracy)),
        el('td', { class: 'number' }, share(model.metrics.coverage)),
        el('td', { class: 'number' }, share(model.metrics.filed_precision)),
        el('td', {}, state));
    });
    const head = ['Model', 'Made', 'Right', 'Filed', 'Right of the filed', 'State'].map((name, index) => el('th', { scope: 'col', class: index > 1 && index < 5 ? 'number' : undefined }, name));
    const table = el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows));
    return el('section', { class: 'card', 'aria-label': 'Models' }, el('header', {}, el('h2', {}, 'Models'), el('p', {}, 'Figures are of photos held out from training')), el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of models' }, table));
  }

  async use(id) {
    try {
      await post('/api/use', { model: id });
      toast(`${id} is in use now`);
    } catch (error) {
      complain(error);
    }
    this.load();
  }
}
