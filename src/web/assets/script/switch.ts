/** Closes the list of branches and tags by Escape, and by a click beside it. */
export const SWITCH = `
for (const list of document.querySelectorAll('details.switch')) {
  document.addEventListener('click', (event) => {
    if (!list.contains(event.target)) list.open = false;
  });
  list.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    list.open = false;
    list.querySelector('summary').focus();
  });
}
`;
