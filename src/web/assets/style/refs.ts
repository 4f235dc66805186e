/** Lists of branches, tags and people; searches. */
export const REFS = `
.refs .name { font-weight: 600; }
.badge { padding: 0 0.5em; border: 1px solid var(--line); border-radius: 1em; font-size: 0.8rem; }
form.search { display: flex; flex-wrap: wrap; gap: 0.6rem 1rem; align-items: end; margin: 1rem 0; }
form.search fieldset { display: flex; flex-wrap: wrap; gap: 0 0.8rem; margin: 0; padding: 0; border: 0; }
form.search legend { float: inline-start; margin-inline-end: 0.6rem; }
form.search input:not([type=radio]) { max-width: 100%; font: inherit; padding: 0.3rem 0.5rem; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 4px; }
form.search button { font: inherit; padding: 0.3rem 0.9rem; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
form.search :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.found h2 { font-size: 1rem; font-weight: 400; }
mark { color: inherit; background: var(--marked); font-weight: 600; }
`;
