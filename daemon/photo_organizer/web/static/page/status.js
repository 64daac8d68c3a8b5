// The daemon's state, in the header.

const WORDS = {
  starting: 'Starting', idle: 'Idle', working: 'Filing', paused: 'Paused', stopping: 'Stopping', stopped: 'Not running',
  ended: 'This page has ended',
};

export function showStatus(status) {
  const place = document.querySelector('[data-status]');
  const state = status.state ?? 'stopped';
  place.dataset.state = state;
  const parts = [WORDS[state] ?? state];
  if (state === 'working' && status.queued) parts.push(`${status.queued.toLocaleString('en')} waiting`);
  if (state === 'paused' && status.reason) parts.push(status.reason);
  if (status.training) parts.push('retraining');
  const text = parts.join(' · ');
  place.querySelector('[data-status-text]').textContent = text;
  place.title = state === 'stopped' ? `The daemon is not running; start it with ${document.documentElement.dataset.runCommand}` : text;
}
