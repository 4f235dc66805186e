/** Lists of branches, tags and people; searches. */
export const REFS = `
.refs .name { font-weight: 600; }
.refs.compact > li { padding: 0.4rem 0; }
.badge { padding: 0 0.5em; border: 1px solid var(--line); border-radius: 1em; font-size: 0.8rem; }
form.search { display: flex; flex-wrap: wrap; gap: 0.6rem 1rem; align-items: center; margin: 1rem 0; }
details.filter { margin: 0.4rem 0; }
form.search fieldset { display: flex; flex-wrap: wrap; gap: 0 0.8rem; align-items: center; margin: 0; padding: 0; border: 0; }
form.search legend { float: inline-start; margin-inline-end: 0.8rem; padding: 0; }
form.search input:not([type=radio]), form.compare input { max-width: 100%; padding: 0.45rem 0.7rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--raised); color: inherit; font: inherit; }
form.search :focus-visible, form.compare :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.found h2 { font-size: 1rem; font-weight: 400; }
@media (max-width: 40rem) {
  .search > label, .compare label { display: grid; grid-template-columns: 5.5rem 1fr; align-items: center; width: 100%; }
  .filter label, .compare label { grid-template-columns: 4rem 1fr; }
}
mark { color: inherit; background: var(--marked); font-weight: 600; }
`;
