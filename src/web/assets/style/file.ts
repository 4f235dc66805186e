/** Pages of files: previews, notebooks, tables, and where lines come from. */
export const FILE = `
nav.actions { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; margin: 0.6rem 0; }
.note { padding: 0.5rem 0.8rem; background: var(--marked); border: 1px solid var(--line); border-radius: 6px; }
.lines tr:target .number, .lines tr.named .number { box-shadow: inset 3px 0 var(--accent); }
.lines tr.named { background: var(--marked); }
.lines .who { vertical-align: top; padding: 0 0.8rem; border-top: 1px solid var(--line); border-inline-end: 1px solid var(--line); color: var(--quiet); font-size: 0.8rem; }
.lines .who a { color: inherit; }
.lines .who div { width: 22rem; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.preview img, .preview video, .markdown img { max-width: 100%; height: auto; }
p.preview { padding: 1rem; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; text-align: center; }
/* As blocks, they have no line below them. */
.preview > * { display: block; margin-inline: auto; }
.preview audio { width: 100%; }
iframe.preview { width: 100%; height: 80vh; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); }
.scroll { overflow-x: auto; }
table.delimited { width: auto; }
.delimited td, .delimited th { width: auto; padding: 0.2rem 0.8rem; border: 1px solid var(--line); }
.cell { margin: 0.8rem 0; }
.cell .count { margin: 0; font-size: 0.8rem; }
.cell pre { margin: 0.2rem 0; overflow-x: auto; }
.cell .output { margin-inline-start: 1rem; border-inline-start: 3px solid var(--line); border-radius: 0; }
.cell .output.error { border-inline-start-color: var(--accent); }
.cell img { max-width: 100%; height: auto; }
@media (max-width: 40rem) {
  /* Little more than a date, so that there is room for code. */
  .lines .who div { width: 6.2rem; }
  .delimited thead { display: table-header-group; }
  .delimited td { display: table-cell; color: inherit; }
}
@media print {
  nav.actions { display: none; }
  .code code { white-space: pre-wrap; }
}
`;
