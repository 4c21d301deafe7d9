// Without this script, the page lists everything that can be found.
const byId = (id) => document.getElementById(id);
const query = byId('query');
const most = 30;
let entries;

// count returns how often a text has a word. A part of a word counts less than
// its beginning.
function count(text, word) {
  let sum = 0;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    sum += /[\p{L}\p{N}]/u.test(text[at - 1] ?? '') ? 0.2 : 1;
  }
  return sum;
}

// score returns how well an entry fits words in lower case; 0 is not at all.
function score(entry, words) {
  let sum = 0;
  for (const word of words) {
    const fit = 20 * Math.min(count(entry.title.toLowerCase(), word), 1) + 8 * Math.min(count(entry.in.toLowerCase(), word), 1)
      + Math.min(count(entry.text.toLowerCase(), word), 5);
    if (fit === 0) return 0;
    sum += fit;
  }
  return sum;
}

// mark appends text to an element, with the words in it marked.
function mark(element, text, words) {
  const pattern = new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'giu');
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    element.append(text.slice(end, match.index));
    element.append(Object.assign(document.createElement('mark'), { textContent: match[0] }));
    end = match.index + match[0].length;
  }
  element.append(text.slice(end));
}

// excerpt returns the part of a text around the first of the words.
function excerpt(text, words) {
  const at = Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((at) => at >= 0), text.length);
  const from = at < 80 || at === text.length ? 0 : text.indexOf(' ', at - 60) + 1;
  const end = text.length - from < 180 ? text.length : text.lastIndexOf(' ', from + 180);
  return (from ? '… ' : '') + text.slice(from, end) + (end < text.length ? ' …' : '');
}

function show() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const address = new URL(location);
  if (words.length) address.searchParams.set('q', query.value);
  else address.searchParams.delete('q');
  history.replaceState(null, '', address);
  byId('everything').hidden = words.length > 0;
  byId('results').replaceChildren();
  byId('count').textContent = '';
  if (!words.length || !entries) return;
  const found = entries.map((entry) => [score(entry, words), entry]).filter(([n]) => n).sort(([a], [b]) => b - a);
  byId('count').textContent = found.length === 1 ? '1 result' : `${found.length} results${found.length > most ? `, the best ${most}` : ''}`;
  for (const [, entry] of found.slice(0, most)) {
    const item = document.createElement('li');
    const link = Object.assign(document.createElement('a'), { href: entry.path });
    mark(link, entry.title, words);
    const where = Object.assign(document.createElement('small'), { textContent: entry.in });
    const text = document.createElement('p');
    mark(text, excerpt(entry.text, words), words);
    item.append(link, ' ', where, text);
    byId('results').append(item);
  }
}

byId('search').hidden = false;
query.value = new URLSearchParams(location.search).get('q') ?? '';
query.addEventListener('input', show);
query.focus();
fetch(byId('index').href).then((response) => response.json()).then((index) => {
  entries = index;
  show();
});
