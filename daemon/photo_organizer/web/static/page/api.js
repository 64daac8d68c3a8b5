// Talking to the server. Photos are named by their ids alone.

export class Refused extends Error {}

async function answer(response) {
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    body = { error: text };
  }
  if (!response.ok) throw new Refused(body.error || `the server answered ${response.status}`);
  return body;
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(`The page has ended. Start it again with ${document.documentElement.dataset.reviewCommand}`);
  }
  return answer(response);
}

export const get = (path) => request(path, { headers: { Accept: 'application/json' } });

export const post = (path, body = {}) =>
  request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

// As the window closes nothing can wait for an answer.
export function sayGoodbye() {
  fetch('/api/closing', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}', keepalive: true,
  }).catch(() => {});
}
