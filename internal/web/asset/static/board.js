// The board by keyboard: arrow keys walk from card to card and from column to column; with Shift they press the card's own button that
// moves it there. What happens is said in the page's live region.
'use strict';

const board = one('.board');
const said = one('#board-said');

function say(text) {
  said.textContent = '';
  setTimeout(() => { said.textContent = text; }, 60); // a region that is filled while a page loads is not read out
}
const cardsOf = (column) => [...column.querySelectorAll('.act')];
const linkOf = (card) => one('h3 a', card);
const nameOf = (column) => one('h2', column).textContent;

function walk(card, key) {
  const columns = [...board.querySelectorAll('section')];
  const column = card.closest('section');
  const cards = cardsOf(column);
  const row = cards.indexOf(card);
  if (key === 'ArrowUp' || key === 'ArrowDown') return cards[row + (key === 'ArrowUp' ? -1 : 1)];
  const step = key === 'ArrowLeft' ? -1 : 1;
  for (let i = columns.indexOf(column) + step; columns[i]; i += step) {
    const others = cardsOf(columns[i]);
    if (others.length) return others[Math.min(row, others.length - 1)];
  }
  return null;
}

function move(card, key) {
  const columns = [...board.querySelectorAll('section')];
  const step = key === 'ArrowLeft' ? -1 : 1;
  for (let i = columns.indexOf(card.closest('section')) + step; columns[i]; i += step) {
    const button = columns[i].dataset.to && one('form button[value="' + columns[i].dataset.to + '"]', card);
    if (!button) continue;
    button.form.requestSubmit(button);
    return;
  }
  say(linkOf(card).textContent + ' cannot be moved ' + (step < 0 ? 'left' : 'right') + ' from ' + nameOf(card.closest('section')) + '.');
}

if (board && said) {
  one('#board-keys').hidden = false;
  board.addEventListener('keydown', (event) => {
    if (!event.key.startsWith('Arrow') || event.ctrlKey || event.metaKey || event.altKey) return;
    const card = event.target.closest('.act');
    if (!card) return;
    if (event.shiftKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      event.preventDefault();
      move(card, event.key);
      return;
    }
    const next = !event.shiftKey && walk(card, event.key);
    if (!next) return;
    event.preventDefault();
    linkOf(next).focus();
    say(nameOf(next.closest('section')) + ', ' + (cardsOf(next.closest('section')).indexOf(next) + 1) + ' of ' + cardsOf(next.closest('section')).length);
  });
  const moved = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (moved && board.contains(moved)) { // it was moved just now, and the page came back to it
    addEventListener('load', () => setTimeout(() => linkOf(moved).focus())); // earlier, the browser's own jump there takes it away again
    say(linkOf(moved).textContent + ' is in ' + nameOf(moved.closest('section')) + ' now.');
  }
}
