/** Pages of a repository: files, histories, differences. */
export const CODE = `
h1.path, h1.subject { font-size: 1.25rem; }
h1.subject + .listed { margin-top: 0.9rem; }
h1.path > * + * { margin-inline-start: 0.3rem; }
.place { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem 1rem; }
.place > h1 { flex: 1 1 16rem; min-width: 0; }
.switch { position: relative; max-width: 100%; }
.switch > summary {
  display: flex; align-items: baseline; gap: 0.4em; max-width: 20rem; padding: 0.15rem 0.7rem; border: 1px solid var(--edge); border-radius: 6px;
  background: var(--raised); font-weight: 600; white-space: nowrap; list-style: none;
}
.switch > summary::-webkit-details-marker { display: none; }
.switch > summary::after { content: "▾" / ""; color: var(--quiet); }
.switch > summary:hover { border-color: var(--accent); }
.switch > summary > .quiet { font-weight: 400; }
.switch > summary > :nth-child(2) { overflow: hidden; text-overflow: ellipsis; }
.switch > .menu {
  position: absolute; z-index: 2; top: calc(100% + 0.3rem); inset-inline-start: 0; width: min(20rem, calc(100vw - 2rem)); max-height: 26rem; overflow-y: auto;
  padding: 0.6rem 0; border: 1px solid var(--edge); border-radius: 8px; background: var(--raised); box-shadow: 0 6px 20px color-mix(in srgb, black 18%, transparent);
}
.switch > .menu > p { margin: 0; padding: 0.2rem 0.9rem; }
.switch > .menu ul + p.quiet { margin-top: 0.5rem; padding-top: 0.6rem; border-top: 1px solid var(--line); }
.switch > .menu ul { margin: 0; padding: 0; list-style: none; }
.switch > .menu li { display: flex; align-items: baseline; gap: 0.5em; }
.switch > .menu li > :first-child { flex: 1; min-width: 0; padding: 0.25rem 0.9rem; color: inherit; text-decoration: none; }
.switch > .menu li > .badge { flex: none; margin-inline-end: 0.9rem; }
.switch > .menu a:hover { background: var(--sunken); }
.switch > .menu [aria-current] { font-weight: 600; }
a.plain, a.subject { color: inherit; text-decoration: none; }
a.plain:hover, a.subject:hover { text-decoration: underline; }
table.files { table-layout: fixed; }
.files td, .files th { padding: 0.4rem 0.9rem; }
.files td { width: auto; color: var(--quiet); font-size: 0.9rem; }
.files tbody tr:hover { background: var(--sunken); }
.files tbody th a { color: inherit; text-decoration: none; }
.files tbody th a:hover { color: var(--accent); text-decoration: underline; }
.files tbody th { position: relative; padding-inline-start: 2.45rem; }
.files tbody th::before {
  content: ""; position: absolute; top: 0.72rem; inset-inline-start: 0.9rem; width: 1em; height: 1em; background: var(--quiet);
  mask: var(--icon) center / contain no-repeat;
}
.files .file, .files .executable { --icon: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='none' stroke='%23000' d='M3.5 1.5h6l3 3v10h-9zM9 1.5V5h3.5'/%3E%3C/svg%3E"); }
.files .folder { --icon: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 3.5A1.5 1.5 0 0 1 2.5 2H6l1.5 2h6A1.5 1.5 0 0 1 15 5.5v7A1.5 1.5 0 0 1 13.5 14h-11A1.5 1.5 0 0 1 1 12.5z'/%3E%3C/svg%3E"); }
.files .symlink { --icon: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='none' stroke='%23000' stroke-width='1.5' d='M3 13c0-5 3-7 9-7M9 2.5l3.5 3.5L9 9.5'/%3E%3C/svg%3E"); }
.files .submodule { --icon: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='none' stroke='%23000' d='M2.5 4.5 8 1.5l5.5 3v7L8 14.5l-5.5-3zM2.5 4.5 8 8l5.5-3.5M8 8v6.5'/%3E%3C/svg%3E"); }
.files .folder a { font-weight: 500; }
.files td a { display: block; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.files th:first-child { width: 36%; }
.files th:last-child, .files .when { width: 8rem; white-space: nowrap; }
.card .files tbody tr:first-child > * { border-top-color: var(--line); }
.changed { margin: 0.6rem 0; padding-inline-start: 1.2rem; }
details.file { margin: 1rem 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
details.file > summary { padding: 0.5rem 0.8rem; background: var(--raised); cursor: pointer; }
details.file > p { padding: 0 0.8rem; }
.code { margin: 0.6rem 0; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
details.file .code { margin: 0; border: 0; border-top: 1px solid var(--line); border-radius: 0; }
.code table { width: auto; min-width: 100%; }
.code td { width: auto; height: 1.3rem; padding: 0 0.8rem 0 0; border: 0; line-height: 1.3rem; vertical-align: baseline; }
.code code { white-space: pre; }
.code .number { width: 1%; padding: 0 0.7rem; text-align: end; white-space: nowrap; color: var(--quiet); user-select: none; font-size: 0.8rem; font-variant-numeric: tabular-nums; }
.code .number a { color: inherit; text-decoration: none; }
.code tr:target { background: var(--marked); }
@media (max-width: 40rem) {
  .files tbody tr { display: flex; align-items: baseline; border-top: 1px solid var(--line); }
  .files tbody th { flex: 1; border: 0; }
  .files td { display: none; }
  .files .when { display: block; padding: 0.4rem 0.9rem; }
  .code td { display: table-cell; color: inherit; }
  .code .number { color: var(--quiet); }
}
`;
