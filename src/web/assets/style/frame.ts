/** The frame of every page: link to the content, bar at the top, tabs of a repository, footer. */
export const FRAME = `
a.skip { position: absolute; inset: 0.4rem auto auto 0.4rem; padding: 0.4rem 0.8rem; background: var(--raised); border-radius: 6px; transform: translateY(-200%); }
a.skip:focus { transform: none; z-index: 1; }
.top { border-bottom: 1px solid var(--line); background: var(--sunken); }
.top > * { display: flex; align-items: center; gap: 0.6rem; min-height: 3rem; padding-block: 0.4rem; }
.top a { display: inline-flex; align-items: center; gap: 0.5rem; color: inherit; font-weight: 600; text-decoration: none; }
.top a:hover { color: var(--accent); }
.top svg { width: 1.25rem; height: 1.25rem; fill: var(--accent); flex: none; }
body > footer { margin-top: 2rem; padding-block: 1rem 2.5rem; color: var(--quiet); font-size: 0.85rem; }
nav.repository { margin: -0.4rem 0 1.6rem; border-bottom: 1px solid var(--line); }
nav.repository > p { margin: 0 0 0.3rem; font-size: 1.15rem; }
nav.repository .owner { color: inherit; text-decoration: none; }
nav.repository .owner:hover { text-decoration: underline; }
nav.repository .name { color: inherit; font-weight: 600; text-decoration: none; }
nav.repository .name:hover { text-decoration: underline; }
nav.repository ul { display: flex; gap: 0.2rem; margin: 0; padding: 0; overflow-x: auto; list-style: none; scrollbar-width: thin; }
nav.repository li { flex: none; }
nav.repository li a { display: block; padding: 0.45rem 0.7rem; border-bottom: 2px solid transparent; color: inherit; text-decoration: none; white-space: nowrap; }
nav.repository li a:hover { border-color: var(--edge); }
nav.repository li a[aria-current] { border-color: var(--accent); font-weight: 600; }
nav.repository li a:focus-visible { outline-offset: -2px; }
/* What does not fit is scrolled to; where one is stands first. */
@media (max-width: 40rem) { nav.repository li:has([aria-current]) { order: -1; } }
nav.pages { display: flex; gap: 1.2rem; margin-top: 1rem; }
@media print {
  .top, nav, .skip, button, form, body > footer { display: none !important; }
  :root { --ground: #fff; --raised: #fff; --sunken: #fff; --text: #000; --quiet: #444; --line: #bbb; --accent: #000; }
  main { max-width: none; padding: 0; }
  pre, .code code { white-space: pre-wrap; }
  table, pre, figure { break-inside: avoid-page; }
}
`;
