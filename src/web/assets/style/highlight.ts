/**
 * Colours of marked code. Each has a contrast of at least 4.5 with every background of code (WCAG 2.2, AA), in light
 * and dark; a test computes it.
 */
export const HIGHLIGHT = `
:root {
  --code-word: #a40e26; --code-text: #0a3069; --code-name: #6135b5; --code-note: #535c65; --code-value: #0549a3; --code-tag: #0f5a24;
  --code-type: #84330a;
}
@media (prefers-color-scheme: dark) {
  :root { --code-word: #ff9a91; --code-text: #a5d6ff; --code-name: #d7b2ff; --code-note: #b0b7bf; --code-value: #8ecbff; --code-tag: #7ee787;
    --code-type: #ffb471; }
}
.hljs-keyword, .hljs-doctag, .hljs-template-tag, .hljs-template-variable, .hljs-variable.language_, .hljs-operator .hljs-keyword { color: var(--code-word); }
.hljs-string, .hljs-regexp, .hljs-char, .hljs-link, .hljs-quote, .hljs-meta .hljs-string { color: var(--code-text); }
.hljs-title, .hljs-section, .hljs-selector-id { color: var(--code-name); }
.hljs-comment, .hljs-formula, .hljs-code { color: var(--code-note); }
.hljs-number, .hljs-literal, .hljs-attr, .hljs-attribute, .hljs-meta, .hljs-variable, .hljs-selector-attr, .hljs-selector-class, .hljs-property { color: var(--code-value); }
.hljs-name, .hljs-tag .hljs-name, .hljs-selector-tag, .hljs-selector-pseudo, .hljs-addition { color: var(--code-tag); }
.hljs-type, .hljs-built_in, .hljs-symbol, .hljs-bullet, .hljs-title.class_, .hljs-params .hljs-type { color: var(--code-type); }
.hljs-deletion { color: var(--code-word); }
.hljs-section, .hljs-strong { font-weight: 600; }
.hljs-emphasis { font-style: italic; }
`;
