// The page: its views, what the server tells it, and the keys.

import { get, sayGoodbye } from './page/api.js';
import { actions } from './page/actions.js';
import { isOpen, showKeys } from './page/dialogs.js';
import { ReviewView } from './views/review.js';
import { FiledView } from './views/filed.js';
import { ActivityView } from './views/activity.js';
import { LearningView } from './views/learning.js';
import { showStatus } from './page/status.js';
import { complain } from './page/toast.js';
import { gridKey } from './photos/navigation.js';

const main = document.getElementById('main');
const views = {};
let current = null;
let categories = [];

const makers = { review: ReviewView, filed: FiledView, activity: ActivityView, learning: LearningView };

function show(name) {
  const wanted = name in makers ? name : 'review';
  views[wanted] ??= new makers[wanted]();
  current = views[wanted];
  (current.triage ?? current).setCategories?.(categories);
  for (const link of document.querySelectorAll('[data-view]')) {
    if (link.dataset.view === wanted) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${wanted[0].toUpperCase()}${wanted.slice(1)} · Photo Organizer`;
  main.replaceChildren(current.element);
  current.load();
}

function setCategories(names) {
  categories = names;
  for (const view of Object.values(views)) (view.triage ?? view).setCategories?.(names);
}

function listen() {
  const events = new EventSource('/api/events');
  const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on('status', showStatus);
  on('categories', setCategories);
  on('waiting', (number) => {
    const badge = document.querySelector('[data-count="review"]');
    badge.textContent = number.toLocaleString('en');
    badge.hidden = number === 0;
    views.review?.setWaiting(number);
  });
  on('grouped', () => current === views.review && views.review.regroup());
  on('training', (progress) => views.learning?.showProgress(progress));
  events.addEventListener('error', () => showStatus({ state: 'ended' }));
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isOpen()) return;
  if (event.target.closest('input, select, textarea')) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const onButton = event.target.closest('button, a') && (key === 'Enter' || key === ' ');
  if (onButton) return;
  if (key === '?') showKeys();
  else if (key === 'z') actions.undo();
  else if (!current?.key?.(key) && !(current?.triage && gridKey(current.triage, key, event))) return;
  event.preventDefault();
}

async function begin() {
  history.replaceState(null, '', `/${location.hash}`); // the token has done its work
  document.addEventListener('keydown', pressed);
  document.querySelector('[data-help]').addEventListener('click', showKeys);
  window.addEventListener('hashchange', () => show(location.hash.slice(1)));
  window.addEventListener('pagehide', (event) => !event.persisted && sayGoodbye());
  actions.onsettled = () => views.review?.compare();
  actions.onchange = () => current?.refresh?.();
  const starting = get('/api/start');
  show(location.hash.slice(1)); // its photos are asked for meanwhile
  try {
    const start = await starting;
    setCategories(start.categories);
    showStatus(start.status);
    listen();
  } catch (error) {
    complain(error);
  }
}

begin();
