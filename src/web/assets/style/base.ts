/** Every page: palette, text, lists, tables. */
export const BASE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --raised: #ffffff; --text: #24292f; --quiet: #57606a; --line: #d8d3c8; --accent: #9a4a00;
  --marked: #fff3c4; --added: #e3f5e1; --deleted: #fde5e3;
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #17191c; --raised: #202327; --text: #e6e4df; --quiet: #a3a9b1; --line: #3b3f45; --accent: #f2a65a;
    --marked: #4a3f16; --added: #1c3524; --deleted: #452322; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 52rem;
  background: var(--ground); color: var(--text); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
a { color: var(--accent); text-underline-offset: 0.15em; }
.skip { position: absolute; left: -999rem; top: 0.3rem; padding: 0.3rem 0.6rem; background: var(--raised); }
.skip:focus { left: 0.6rem; }
main:focus { outline: none; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
h1, h2 { line-height: 1.25; margin: 0; }
h1 { font-size: 1.8rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 0.6rem; }
p { margin: 0.6rem 0; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 0.875em; }
pre {
  margin: 0.6rem 0; padding: 0.75rem 1rem; white-space: pre-wrap;
  background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
}
pre code { font-size: 0.875rem; }
header { margin-bottom: 1.8rem; }
header a { color: inherit; font-weight: 600; text-decoration: none; }
header a:hover { text-decoration: underline; }
footer { margin-top: 3rem; padding-top: 0.8rem; border-top: 1px solid var(--line); }
.quiet, footer { color: var(--quiet); font-size: 0.9rem; }
.said { white-space: pre-line; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.35rem 1.2rem; margin: 1.2rem 0 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
dd ul, .listed { margin: 0; padding: 0; list-style: none; }
.listed li { padding: 0.7rem 0; border-top: 1px solid var(--line); }
.listed p { margin: 0.15rem 0 0; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: start; padding-bottom: 0.3rem; color: var(--quiet); font-size: 0.9rem; }
th, td { padding: 0.35rem 0.8rem 0.35rem 0; border-top: 1px solid var(--line); text-align: start; vertical-align: top; }
thead th { color: var(--quiet); font-weight: 400; font-size: 0.9rem; }
tbody th { font-weight: 400; }
td { width: 26rem; }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.6rem; }
  thead { display: none; }
  tbody th, td { display: block; width: auto; }
  td { padding-top: 0; border-top: 0; color: var(--quiet); }
}
`;
