// What smooths the pages; everything works without it. No page text is ever parsed as HTML from a string.
'use strict';

const one = (selector, root) => (root || document).querySelector(selector);

// "/" goes to the page's own search box, else to the one in the bar.
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, textarea, select, dialog[open]')) return;
  const box = one('main input[type=search]') || one('.bar input[type=search]');
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// Copy buttons stay hidden without this file, because they could do nothing.
function showCopyButtons(root) {
  for (const button of root.querySelectorAll('button[data-copy]')) {
    if (navigator.clipboard) button.hidden = false;
  }
}
document.addEventListener('click', async (event) => {
  const button = event.target.closest('button[data-copy]');
  if (!button) return;
  const text = one('#' + button.dataset.copy).textContent;
  const label = one('span', button);
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = 'Copied';
  } catch {
    label.textContent = 'Not copied';
  }
  setTimeout(() => { label.textContent = 'Copy'; }, 1600);
});

// Selects marked so send their form at once; the button beside them is for browsers without this file.
document.addEventListener('change', (event) => {
  if (event.target.matches('select[data-send]')) event.target.form.requestSubmit();
});

// Drawer: a link marked data-drawer opens the part #drawer-part of the page it leads to.
let opener = null;
function openDrawer(link) {
  const drawer = one('dialog.drawer');
  const request = new XMLHttpRequest();
  request.responseType = 'document';
  request.onload = () => {
    const part = request.status === 200 && request.response && one('#drawer-part', request.response);
    if (!part) { location.assign(link.href); return; }
    const body = one('.drawer-body', drawer);
    body.replaceChildren(document.adoptNode(part));
    showCopyButtons(body);
    one('.drawer-page', drawer).href = link.href;
    opener = link;
    if (!drawer.open) drawer.showModal();
    drawer.scrollTop = 0;
  };
  request.onerror = () => location.assign(link.href);
  request.open('GET', link.href);
  request.send();
}
document.addEventListener('click', (event) => {
  const drawer = one('dialog.drawer');
  if (event.target.closest('[data-close]') || event.target === drawer) { drawer.close(); return; }
  const link = event.target.closest('a[data-drawer]');
  if (!link || !drawer || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  openDrawer(link);
});
document.addEventListener('close', (event) => {
  if (event.target.matches('dialog.drawer') && opener) { opener.focus(); opener = null; }
}, true);

// One tab stop for a chart; arrow keys walk its bars.
document.addEventListener('keydown', (event) => {
  const bar = event.target.closest && event.target.closest('svg a, [data-walk] a');
  if (!bar) return;
  const columns = getComputedStyle(bar.parentElement).gridAutoFlow === 'column'; // days: a column is a week
  const row = bar.matches('svg a') ? 0 : 7;
  const step = (columns ? { ArrowRight: row, ArrowLeft: -row, ArrowDown: 1, ArrowUp: -1 }
    : { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row })[event.key];
  if (!step) return;
  const bars = [...bar.closest('svg, [data-walk]').querySelectorAll('svg a, a:not(.cv-month-name)')];
  const next = bars[bars.indexOf(bar) + step];
  if (!next) return;
  event.preventDefault();
  bar.setAttribute('tabindex', '-1');
  next.setAttribute('tabindex', '0');
  next.focus();
});

// A toggle asks for an approval and opens it in a new tab. If the browser keeps the tab closed, the page shows its link.
let watchedUntil = 0;
document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.matches('form[data-approve]')) return;
  event.preventDefault();
  watchedUntil = Date.now() + 30 * 60 * 1000;
  const asked = form.action + '?' + new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(asked, { headers: { Accept: 'application/json' } });
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

// Parts marked data-live are renewed from the page's own address: while they say "now", and for a while after a toggle.
const liveUntil = Date.now() + 30 * 60 * 1000; // a tab left open must not keep its session alive
function renew() {
  const parts = [...document.querySelectorAll('[data-live]')];
  const wanted = Date.now() < Math.max(liveUntil, watchedUntil) && parts.some((p) => p.dataset.live === 'now' || Date.now() < watchedUntil);
  if (!wanted) { setTimeout(renew, 2000); return; }
  const request = new XMLHttpRequest();
  request.responseType = 'document';
  request.onload = () => {
    if (request.status === 200 && request.response) parts.forEach((part) => replacePart(part, one('#' + part.id, request.response)));
  };
  request.onloadend = () => setTimeout(renew, 2000);
  request.open('GET', location.href);
  request.send();
}
function replacePart(old, fresh) {
  if (!fresh || !old.isConnected) return;
  const focused = old.contains(document.activeElement) && document.activeElement.id;
  old.replaceWith(document.adoptNode(fresh));
  if (focused && one('#' + focused)) one('#' + focused).focus();
}
if (one('[data-live]')) setTimeout(renew, 2000);

// What a pasted token says of itself, read here and sent nowhere: server, event types, end.
document.addEventListener('input', (event) => {
  const field = event.target;
  if (!field.matches('input[data-token]')) return;
  const facts = one('#token-facts');
  const told = tokenFacts(field.value.trim().replace(/^Bearer\s+/i, ''), field.dataset.titles);
  facts.replaceChildren();
  facts.hidden = !told;
  if (!told) return;
  for (const [name, value] of told) {
    facts.append(Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }));
  }
  const other = told[0][1] !== new URL(field.dataset.server).host;
  if (other) one('dd', facts).append(', not the server that you confirmed');
});
function tokenFacts(token, titles) {
  const words = Object.fromEntries(titles.split('\n').map((line) => line.split('=')));
  try {
    const claims = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
    const host = [].concat(claims.aud)[0];
    const end = claims.exp ? new Date(claims.exp * 1000).toISOString().slice(0, 10) : 'never';
    const features = [].concat(claims['1password.com/fts'] || []).map((f) => words[f] || f).join(', ');
    return host ? [['For', String(host)], ['Event types', features || 'not told'], ['Expires', end]] : null;
  } catch {
    return null;
  }
}

showCopyButtons(document);
