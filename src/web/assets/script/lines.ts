/**
 * Marks the lines that a URL names: `#L3-L7`. A click on a number names its line, and one with the Shift key a range from the
 * line that was named before. Lines of a file that is shown otherwise are on the page of its source.
 */
export const LINES = `
if (document.querySelector('.lines')) {
  const named = () => {
    const found = /^#L(\\d{1,6})(?:-L?(\\d{1,6}))?$/.exec(location.hash);
    if (!found) return undefined;
    const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])];
    return from <= to ? [from, to] : [to, from];
  };
  const show = (scroll) => {
    for (const row of document.querySelectorAll('.lines tr.named')) row.classList.remove('named');
    const range = named();
    for (let line = range?.[0]; line <= range?.[1]; line++) {
      const row = document.getElementById('L' + line);
      if (!row) break;
      row.classList.add('named');
      if (scroll && line === range[0]) row.scrollIntoView({ block: 'center' });
    }
    for (const link of document.querySelectorAll('a.permalink')) link.hash = range ? location.hash : '';
  };
  document.querySelector('.lines').addEventListener('click', (event) => {
    const link = event.target.closest('.number a');
    const range = named();
    if (!link || !event.shiftKey || !range) return;
    event.preventDefault();
    const line = Number(link.hash.slice(2));
    const [from, to] = line < range[0] ? [line, range[1]] : [range[0], line];
    history.replaceState(null, '', '#L' + from + '-L' + to);
    show(false);
  });
  window.addEventListener('hashchange', () => show(true));
  show(true);
} else if (/^#L\\d/.test(location.hash)) {
  const source = document.querySelector('a.source');
  if (source) location.replace(source.href + location.hash);
}
`;
