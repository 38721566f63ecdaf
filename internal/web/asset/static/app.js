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

showCopyButtons(document);
