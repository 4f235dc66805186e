/** Every page: text, lists, tables, controls. */
export const BASE = `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--text); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main, .top > *, body > footer { width: 100%; max-width: 54rem; margin-inline: auto; padding-inline: 1rem; }
.wide main, .wide .top > *, body.wide > footer { max-width: 80rem; }
main { display: block; padding-block: 1.6rem 1rem; }
main:focus { outline: none; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 0.18em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
h1, h2, h3 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: 1.75rem; letter-spacing: -0.01em; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.6rem; }
h3 { font-size: 1rem; }
p { margin: 0.6rem 0; }
code, pre, kbd, samp { font-family: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.875em; }
pre {
  margin: 0.6rem 0; padding: 0.7rem 0.9rem; white-space: pre-wrap;
  background: var(--raised); border: 1px solid var(--line); border-radius: 8px;
}
pre code { font-size: 0.85rem; }
hr { height: 0; margin: 1.5rem 0; border: 0; border-top: 1px solid var(--line); }
.quiet { color: var(--quiet); font-size: 0.9rem; }
.said { white-space: pre-line; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.35rem 1.2rem; margin: 1.2rem 0 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
dd ul, .listed { margin: 0; padding: 0; list-style: none; }
.listed > li { padding: 0.8rem 0; border-top: 1px solid var(--line); }
.listed > li p { margin: 0.15rem 0 0; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: start; padding-bottom: 0.3rem; color: var(--quiet); font-size: 0.9rem; }
th, td { padding: 0.4rem 0.8rem 0.4rem 0; border-top: 1px solid var(--line); text-align: start; vertical-align: top; }
thead th { color: var(--quiet); font-weight: 400; font-size: 0.875rem; }
tbody th { font-weight: 400; }
time { white-space: nowrap; }
summary { cursor: pointer; }
summary::marker { color: var(--quiet); }
.commands { display: flex; align-items: start; margin: 0.6rem 0; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; }
.commands pre { flex: 1; min-width: 0; margin: 0; border: 0; overflow-x: auto; white-space: pre; }
button.copy {
  flex: none; margin: 0.45rem 0.45rem 0 0; padding: 0.1rem 0.6rem; border: 1px solid var(--edge); border-radius: 6px;
  background: var(--raised); color: var(--text); font: inherit; font-size: 0.8rem; cursor: pointer;
}
button.copy:hover { border-color: var(--accent); color: var(--accent); }
a.topic {
  display: inline-block; padding: 0 0.6em; border-radius: 1em; background: var(--sunken); border: 1px solid var(--line);
  color: inherit; font-size: 0.85rem; text-decoration: none;
}
a.topic:hover { border-color: var(--accent); color: var(--accent); }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.6rem; }
  thead { display: none; }
  tbody th, td { display: block; width: auto; }
  td { padding-top: 0; border-top: 0; color: var(--quiet); }
}
`;
