/** Pages about events: people, threads, receipts. */
export const NOSTR = `
.person { white-space: nowrap; }
.person a { color: inherit; }
.person .name { font-weight: 600; white-space: normal; }
.identicon { width: 1.25em; height: 1.25em; vertical-align: -0.25em; border: 1px solid var(--line); border-radius: 3px; background: var(--raised); }
.role, .label, .status, .outcome { display: inline-block; padding: 0 0.5em; border: 1px solid var(--line); border-radius: 1em; font-size: 0.85rem; background: var(--raised); }
.role { color: var(--quiet); }
.status, .outcome { font-weight: 600; }
.warning { color: var(--accent); white-space: normal; }
ul.statuses { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; margin: 1rem 0; padding: 0; list-style: none; }
ul.statuses a { text-decoration: none; }
ul.statuses a[aria-current] { font-weight: 600; text-decoration: underline; }
.count { color: var(--quiet); font-variant-numeric: tabular-nums; }
.threads .subject { font-weight: 600; }
.cover-note { margin: 1rem 0; padding: 0.2rem 1rem; border-inline-start: 3px solid var(--accent); background: var(--raised); }
.comment { margin: 1rem 0; padding: 0.2rem 1rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); overflow: hidden; }
.comment > :last-child, .cover-note > :last-child { margin-bottom: 0.8rem; }
.comment.depth-1 { margin-inline-start: 1rem; }
.comment.depth-2 { margin-inline-start: 2rem; }
.comment.depth-3 { margin-inline-start: 3rem; }
.comment.depth-4 { margin-inline-start: 4rem; }
.comment .set { margin-top: 0.5rem; padding: 0; list-style: none; }
.steps { list-style: none; }
.listed ul li { padding: 0.1rem 0; border: 0; }
.how { margin-top: 1.5rem; }
@media (max-width: 40rem) {
  .person { white-space: normal; }
  .comment.depth-1, .comment.depth-2, .comment.depth-3, .comment.depth-4 { margin-inline-start: 0.6rem; }
}
`;
