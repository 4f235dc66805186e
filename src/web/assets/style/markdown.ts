/** Rendered Markdown. */
export const MARKDOWN = `
.markdown { max-width: 56rem; line-height: 1.6; }
.markdown > :first-child { margin-top: 0; }
.markdown > :last-child { margin-bottom: 0; }
.markdown h1, .markdown h2 { padding-bottom: 0.3rem; border-bottom: 1px solid var(--line); }
.markdown h1 { font-size: 1.6rem; margin: 1.6rem 0 0.8rem; }
.markdown h2 { font-size: 1.3rem; margin: 1.8rem 0 0.8rem; }
.markdown h3 { font-size: 1.12rem; margin: 1.5rem 0 0.6rem; }
.markdown h4, .markdown h5, .markdown h6 { margin: 1.2rem 0 0.5rem; }
.markdown h6 { color: var(--quiet); }
.markdown a.anchor { margin-inline-start: 0.4em; color: var(--quiet); font-weight: 400; text-decoration: none; opacity: 0; }
.markdown :is(h1, h2, h3, h4, h5, h6):hover a.anchor, .markdown a.anchor:focus { opacity: 1; }
.markdown :target { scroll-margin-top: 1rem; }
.markdown ul, .markdown ol { padding-inline-start: 1.6rem; }
.markdown li + li { margin-top: 0.2rem; }
.markdown li.task { list-style: none; margin-inline-start: -1.4rem; }
.markdown img { max-width: 100%; height: auto; }
.markdown pre { overflow-x: auto; white-space: pre; background: var(--sunken); }
.markdown :not(pre) > code, .markdown kbd { padding: 0.1em 0.35em; border-radius: 4px; background: var(--sunken); }
.markdown kbd { border: 1px solid var(--edge); border-bottom-width: 2px; }
.markdown blockquote { margin: 0.8rem 0; padding-inline-start: 1rem; border-inline-start: 3px solid var(--line); color: var(--quiet); }
.markdown .scroll { margin: 0.8rem 0; overflow-x: auto; }
.markdown table { display: table; width: auto; max-width: none; }
.markdown thead { display: table-header-group; }
.markdown tr { display: table-row; }
.markdown th, .markdown td { display: table-cell; padding: 0.35rem 0.8rem; border: 1px solid var(--line); color: inherit; overflow-wrap: normal; }
.markdown thead th { color: inherit; font-weight: 600; font-size: 1rem; background: var(--sunken); }
.markdown dl { display: block; }
.markdown dt { color: inherit; font-weight: 600; }
.markdown dd { margin-inline-start: 1.5rem; }
.markdown [align=center] { text-align: center; }
.markdown [align=right] { text-align: right; }
.markdown img[align=right] { float: inline-end; margin-inline-start: 1rem; }
.markdown img[align=left] { float: inline-start; margin-inline-end: 1rem; }
.markdown .outside { color: var(--quiet); font-size: 0.9em; }
.markdown span.outside::before, .markdown a.outside::before { content: "\\1F5BC\\FE0E\\A0" / ""; }
.markdown sup { line-height: 1; }
.footnotes { margin-top: 2rem; padding-top: 0.6rem; border-top: 1px solid var(--line); font-size: 0.9em; }
.alert { margin: 0.8rem 0; padding: 0.3rem 1rem; border-inline-start: 4px solid var(--alert); background: var(--sunken); border-radius: 0 6px 6px 0; }
.alert-title { color: var(--alert); font-weight: 600; }
.alert-note { --alert: var(--note); }
.alert-tip { --alert: var(--tip); }
.alert-important { --alert: var(--important); }
.alert-warning { --alert: var(--warning); }
.alert-caution { --alert: var(--caution); }
`;
