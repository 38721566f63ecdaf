// What smooths connecting: the toggle's new tab, pages that renew themselves, and what a pasted token says of itself.
'use strict';

// A toggle asks for an approval and opens it in a new tab. If the browser keeps the tab closed, the page shows its link.
let watchedUntil = 0;
document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.matches('form[data-approve]')) return;
  event.preventDefault();
  watchedUntil = Date.now() + 30 * 60 * 1000;
  try {
    const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error('refused');
    const link = (await answer.json()).link;
    const tab = window.open(link, '_blank');
    if (tab) tab.opener = null;
    showApproval(link, Boolean(tab));
  } catch {
    form.removeAttribute('data-approve'); // without us the server says what is wrong
    form.requestSubmit();
  }
});
function showApproval(link, opened) {
  const note = one('#approve-note');
  if (!note) return;
  one('a', note).setAttribute('href', link);
  if (opened) one('b', note).textContent = one('b', note).dataset.opened;
  note.hidden = false;
}

// Parts marked data-live are renewed from the page's own address whenever the stream of the tab says that something has
// changed. A tab has one stream, and a hidden one has none, since a browser opens few to a host. Where no stream comes
// through, parts that say "now" are renewed every two seconds, and all for a while after a toggle.
let mark = document.body.dataset.mark;
const told = Boolean(mark); // the stream tells of connections; other pages, such as that of exports, ask while they say "now"
let stream = null;
let polling = null;
let renewing = false;
let again = false;

function listen() {
  if (!told && !polling && one('[data-live="now"]')) poll();
  if (!mark || stream || polling || document.hidden) return;
  let heard = false;
  const source = stream = new EventSource('/live?mark=' + encodeURIComponent(mark));
  const deaf = setTimeout(() => { if (!heard) poll(); }, 5000); // something in between holds events back
  source.addEventListener('hello', () => { heard = true; clearTimeout(deaf); });
  source.addEventListener('changed', (event) => { mark = event.lastEventId; renew(); });
  source.addEventListener('ended', () => ended());
  source.addEventListener('error', () => { if (source.readyState === EventSource.CLOSED && stream === source) poll(); });
}
function hush() {
  if (stream) stream.close();
  stream = null;
}
function poll() {
  hush();
  polling = setInterval(() => {
    const now = [...document.querySelectorAll('[data-live]')].some((part) => part.dataset.live === 'now');
    if (!document.hidden && (now || Date.now() < watchedUntil)) renew();
  }, 2000);
}
function ended() {
  hush();
  clearInterval(polling);
  mark = '';
  one('#live-ended').hidden = false;
}
function renew() {
  if (renewing) { again = true; return; }
  renewing = true;
  const request = new XMLHttpRequest();
  request.responseType = 'document';
  request.onload = () => {
    if (request.status === 401) ended();
    if (request.status !== 200 || !request.response) return;
    for (const part of document.querySelectorAll('[data-live]')) {
      const fresh = one('#' + part.id, request.response);
      if (fresh) morph(part, fresh); else part.remove();
    }
    appear(request.response);
    document.dispatchEvent(new Event('renewed'));
  };
  request.onloadend = () => {
    renewing = false;
    if (again) { again = false; renew(); }
  };
  request.open('GET', location.href);
  request.setRequestHeader('Exhibit-Renewal', '1'); // a page left open must not keep its session alive
  request.send();
}

// Parts that the page did not have yet are put in behind the part that they follow.
function appear(fresh) {
  let before = null;
  for (const part of fresh.querySelectorAll('[data-live]')) {
    const here = one('#' + part.id);
    if (!here && before) before.after(document.adoptNode(part));
    before = one('#' + part.id) || before;
  }
}

// morph makes a part like a fresh one and leaves alone what is the same, so that focus, selection and open details stay.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.adoptNode(fresh));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) { old.data = fresh.data; return; }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const mine = [...old.childNodes];
  const theirs = [...fresh.childNodes];
  theirs.forEach((node, i) => { if (mine[i]) morph(mine[i], node); else old.append(document.adoptNode(node)); });
  mine.slice(theirs.length).forEach((node) => node.remove());
}

document.addEventListener('visibilitychange', () => { if (document.hidden) hush(); else listen(); });
addEventListener('pagehide', hush);
addEventListener('pageshow', listen);

// What a pasted token says of itself, read here and sent nowhere: server, event types, end.
document.addEventListener('input', (event) => {
  const field = event.target;
  if (!field.matches('input[data-token]')) return;
  const pasted = field.value.trim().replace(/^Bearer\s+/i, '');
  const token = tokenFacts(pasted);
  const facts = one('#token-facts');
  facts.replaceChildren();
  facts.hidden = !token;
  const say = (what, yes) => { one(`[data-told="${what}"]`).hidden = !yes; };
  say('shape', pasted && !token);
  say('expired', token && token.end && token.end < new Date());
  const other = token && token.host !== new URL(field.dataset.server).host;
  let named = false;
  for (const note of document.querySelectorAll('[data-told-server]')) {
    note.hidden = !(other && new URL(note.dataset.toldServer).host === token.host);
    named = named || !note.hidden;
  }
  say('elsewhere', other && !named);
  const titles = Object.fromEntries(field.dataset.titles.split('\n').map((line) => line.split('=')));
  const lacks = (stream) => Boolean(token && token.features.length && !token.features.includes(stream));
  for (const line of document.querySelectorAll('[data-told-stream]')) line.hidden = !lacks(line.dataset.toldStream);
  say('missing', Object.keys(titles).some(lacks));
  if (!token) return;
  for (const [name, value] of [
    ['For', token.host],
    ['Event types', token.features.map((f) => titles[f] || f).join(', ') || 'not told'],
    ['Expires', expiryWords(token.end)],
  ]) {
    facts.append(Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }));
  }
});
function tokenFacts(token) {
  try {
    const parts = token.split('.');
    const claims = JSON.parse(atob(parts[1].replace(/-/g, '+').replace(/_/g, '/')));
    const host = [].concat(claims.aud)[0];
    if (parts.length !== 3 || !parts[2] || typeof host !== 'string' || !host.includes('.')) return null;
    return { host, end: claims.exp ? new Date(claims.exp * 1000) : null, features: [].concat(claims['1password.com/fts'] || []).map(String) };
  } catch {
    return null;
  }
}
function expiryWords(end) {
  if (!end) return 'never';
  const days = Math.floor((end - new Date()) / 86400000);
  const date = end.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
  return days < 0 ? date : date + (days === 1 ? ', in 1 day' : ', in ' + days + ' days');
}

// One press takes the server that the pasted token is for, and submits it there.
document.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-mend]');
  if (!button) return;
  button.form.elements.server.value = button.dataset.mend;
  button.form.requestSubmit();
});
