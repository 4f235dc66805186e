/** Signing in, and who has signed in. */
export const SESSION = `
form button {
  padding: 0.45rem 0.9rem; border: 1px solid var(--accent); border-radius: 6px;
  background: var(--raised); color: var(--accent); font: inherit; font-weight: 600; cursor: pointer;
}
form button[hidden] { display: none; }
form button:disabled { opacity: 0.6; cursor: default; }
form button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
form.inline { display: inline-block; margin: 0 0.6rem 0.4rem 0; }
.problem { padding: 0.6rem 1rem; border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 6px; background: var(--raised); }
.session { color: var(--quiet); font-size: 0.9rem; }
`;
