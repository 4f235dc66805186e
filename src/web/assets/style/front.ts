/** The front page. */
export const FRONT = `
.hero { margin: 0.6rem 0 1.4rem; }
.hero h1 { font-size: 2rem; }
.hero .said { max-width: 46rem; font-size: 1.05rem; }
form.find { margin: 0 0 2rem; }
form.find label { display: block; margin-bottom: 0.3rem; font-weight: 600; }
form.find .field { display: flex; gap: 0.5rem; }
form.find input[type=search] {
  flex: 1; min-width: 0; padding: 0.5rem 0.8rem; border: 1px solid var(--edge); border-radius: 8px;
  background: var(--raised); color: inherit; font: inherit;
}
form.find input::placeholder { color: var(--quiet); opacity: 1; }
.front-head { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0.2rem 1.5rem; margin-bottom: 0.4rem; }
.front-head h2 { margin: 0; }
nav.sorts { display: flex; gap: 1rem; font-size: 0.9rem; }
nav.sorts a { color: inherit; text-decoration: none; padding-bottom: 0.1rem; border-bottom: 2px solid transparent; }
nav.sorts a:hover { border-color: var(--edge); }
nav.sorts a[aria-current] { border-color: var(--accent); font-weight: 600; }
.repositories h3 { font-size: 1.1rem; }
.repositories h3 a { text-decoration: none; }
.repositories h3 a:hover { text-decoration: underline; }
.repositories p { max-width: 50rem; }
.repositories .topic { margin-inline-start: 0.25rem; }
@media (min-width: 64rem) {
  .front { display: grid; grid-template-columns: minmax(0, 1fr) 23rem; gap: 3rem; }
  .front > .begin { font-size: 0.95rem; }
  .front > .begin h2 { margin-top: 0; }
}
.begin dl { display: block; }
.begin dd { margin-bottom: 0.6rem; }
`;
