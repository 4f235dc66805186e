/** Pages of a repository: files, histories, differences. */
export const CODE = `
body.wide { max-width: 90rem; }
nav.repository { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; margin-bottom: 1.2rem; padding-bottom: 0.6rem; border-bottom: 1px solid var(--line); }
nav.repository .name { font-weight: 600; }
nav.pages { display: flex; gap: 1.2rem; margin-top: 1rem; }
h1.path, h1.subject { font-size: 1.25rem; }
h1.path > * + * { margin-inline-start: 0.3rem; }
a.plain, a.subject { color: inherit; text-decoration: none; }
a.plain:hover, a.subject:hover { text-decoration: underline; }
.files td { width: auto; }
.files .when { white-space: nowrap; color: var(--quiet); }
.changed { margin: 0.6rem 0; padding-inline-start: 1.2rem; }
details.file { margin: 1rem 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
details.file > summary { padding: 0.5rem 0.8rem; background: var(--raised); cursor: pointer; }
details.file > p { padding: 0 0.8rem; }
.code { margin: 0.6rem 0; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
details.file .code { margin: 0; border: 0; border-top: 1px solid var(--line); border-radius: 0; }
.code table { width: auto; min-width: 100%; }
.code td { width: auto; padding: 0 0.8rem 0 0; border: 0; line-height: 1.45; }
.code code { white-space: pre; }
.code .number { width: 1%; padding: 0 0.7rem; text-align: end; white-space: nowrap; color: var(--quiet); user-select: none; font-size: 0.8rem; font-variant-numeric: tabular-nums; }
.code .number a { color: inherit; text-decoration: none; }
.code tr:target { background: var(--marked); }
@media (max-width: 40rem) {
  .code td { display: table-cell; color: inherit; }
  .code .number { color: var(--quiet); }
}
`;
