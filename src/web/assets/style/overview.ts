/** The overview of a repository: description, clone commands, content. */
export const OVERVIEW = `
.overview { display: grid; gap: 0 2.5rem; }
.overview .introduction { margin-bottom: 1rem; }
/* The name stands above already. */
.introduction h1 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.overview .introduction .said { max-width: 50rem; margin: 0 0 0.4rem; font-size: 1.05rem; }
.overview aside h2:first-child { margin-top: 0; }
ul.topics { display: flex; flex-wrap: wrap; gap: 0.35rem; margin: 0.6rem 0 0; padding: 0; list-style: none; }
.overview aside h2 { font-size: 1rem; }
.overview aside details { margin: 0.5rem 0; }
.overview .get { padding-bottom: 1.2rem; font-size: 0.95rem; }
dl.facts { display: block; margin: 0; font-size: 0.95rem; }
dl.facts > div { display: grid; grid-template-columns: 6.5rem 1fr; gap: 0.6rem; padding: 0.35rem 0; border-top: 1px solid var(--line); }
dl.facts > div:first-child { border-top: 0; }
dl.facts dd { margin: 0; }
a.key { text-decoration: none; }
a.key .name { font-weight: 600; }
a.key code { white-space: nowrap; }
a.key:hover { text-decoration: underline; }
svg.languages { display: block; width: 100%; height: 0.6rem; border-radius: 0.3rem; }
ul.languages { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; margin: 0.5rem 0 0; padding: 0; list-style: none; font-size: 0.9rem; }
.languages .dot { display: inline-block; width: 0.65em; height: 0.65em; margin-inline-end: 0.4em; border-radius: 50%; }
.language-0 { fill: var(--language-0); background: var(--language-0); }
.language-1 { fill: var(--language-1); background: var(--language-1); }
.language-2 { fill: var(--language-2); background: var(--language-2); }
.language-3 { fill: var(--language-3); background: var(--language-3); }
.language-4 { fill: var(--language-4); background: var(--language-4); }
.language-5 { fill: var(--language-5); background: var(--language-5); }
.language-6 { fill: var(--language-6); background: var(--language-6); }
.branch-bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.3rem 1.2rem; margin: 0 0 0.8rem; }
.branch-bar > a { color: inherit; text-decoration: none; }
.branch-bar > a:hover { color: var(--accent); text-decoration: underline; }
.card { border: 1px solid var(--line); border-radius: 8px; background: var(--raised); overflow: hidden; }
.card > p.latest { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1.2rem; margin: 0; padding: 0.6rem 0.9rem; background: var(--sunken); }
.card > p.latest + p.latest { border-top: 1px solid var(--line); }
.card > p.latest .subject { min-width: 0; }
.card > p:not(.latest) { padding: 0 0.9rem; }
.card thead th { padding-block: 0; border: 0; font-size: 0; line-height: 0; }
.contents > h2:first-child { margin-top: 0; }
.readme > .markdown { padding: 1.2rem 1.6rem 1.6rem; }
.readme { margin-top: 1.5rem; border: 1px solid var(--line); border-radius: 8px; background: var(--raised); }
.readme > h2 { margin: 0; padding: 0.6rem 0.9rem; border-bottom: 1px solid var(--line); background: var(--sunken); border-radius: 8px 8px 0 0; font-size: 0.95rem; }
.readme > p { padding: 0 0.9rem; }
.readme > .plain-text { margin: 0; border: 0; max-height: none; overflow-x: auto; }
@media (min-width: 64rem) {
  .overview { grid-template: "introduction introduction" auto "contents get" auto "contents about" 1fr / minmax(0, 1fr) 19rem; }
  .overview > .introduction { grid-area: introduction; }
  .overview > .contents { grid-area: contents; min-width: 0; }
  .overview > .get { grid-area: get; min-width: 0; }
  .overview > .about { grid-area: about; min-width: 0; }
}
@media (max-width: 40rem) {
  .readme > .markdown { padding: 1rem 0.9rem; }
}
@media (max-width: 63.99rem) {
  .overview > * { min-width: 0; }
  .overview > .about { margin-top: 1.5rem; }
}
`;
