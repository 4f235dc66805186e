/**
 * The colours of all pages, light and dark. Text has a contrast of at least 4.5 with every background, and parts of
 * controls and of charts 3 (WCAG 2.2, AA); a test computes that.
 */
export const PALETTE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --raised: #ffffff; --sunken: #f3f1ea; --text: #24292f; --quiet: #57606a; --line: #ddd8cd; --edge: #858078; --accent: #8f4400;
  --marked: #fff3c4; --added: #e3f5e1; --deleted: #fde5e3; --added-word: #bfe8ba; --deleted-word: #fbccc8;
  --note: #0a56b0; --tip: #1a6b32; --important: #7338bd; --warning: #855000; --caution: #ad1f2c;
  --language-0: #2f6fb7; --language-1: #b8600a; --language-2: #2f8049; --language-3: #a4397f; --language-4: #6a5fb5; --language-5: #8a6d00;
  --language-6: #74777b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #17191c; --raised: #1e2125; --sunken: #121416; --text: #e6e4df; --quiet: #a9afb7; --line: #34383e; --edge: #767c85; --accent: #f2a65a;
    --marked: #4a3f16; --added: #1c3524; --deleted: #452322; --added-word: #25492f; --deleted-word: #5c2c2a;
    --note: #7db3ff; --tip: #6fcf8a; --important: #c79bff; --warning: #e8b04a; --caution: #ff8f8a;
    --language-0: #5e9be0; --language-1: #e28a3a; --language-2: #57b377; --language-3: #dc77b8; --language-4: #9d92ec; --language-5: #c9a52e;
    --language-6: #90959c;
  }
}
`;
