/** Takes the pictures of pages that the documentation shows: ten pages, in light, in dark, and on a telephone. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launchChromium, Window } from '../test/helpers/chromium.ts';
import { type BrowsedRepository, exampleProject } from '../test/helpers/example/project.ts';
import { startServer } from '../test/helpers/server.ts';
import { tempDir } from '../test/helpers/temp-dir.ts';

const FOLDER = join('docs', 'images', 'pages');
/** What pages say that the server is called. */
const BASE = 'https://git.example.org';

const LOOKS = {
  light: { scheme: 'light', width: 1040, height: 700 },
  dark: { scheme: 'dark', width: 1040, height: 700 },
  narrow: { scheme: 'light', width: 360, height: 720 },
} as const;

/** Names of pictures, and what they are of. */
function pagesOf({ root, commits, issues, patches }: BrowsedRepository): Record<string, string> {
  return {
    front: '/',
    repository: root,
    folder: `${root}/tree/main/docs`,
    file: `${root}/file/main/src/tides.ts`,
    notebook: `${root}/file/main/fit/residuals.ipynb`,
    commits: `${root}/commits/main`,
    commit: `${root}/commit/${commits[4]}?view=split`,
    compare: `${root}/compare/main...forecast`,
    issue: `${root}/issue/${issues[0]}`,
    patch: `${root}/patch/${patches[0]}`,
  };
}

await mkdir(FOLDER, { recursive: true });
await using folder = await tempDir('cairn-screenshots');
await using server = await startServer({ flags: { access: 'signed', 'public-url': BASE } });
const project = await exampleProject(server.url, folder.path, BASE);
const browser = await launchChromium();
try {
  for (const [look, { scheme, width, height }] of Object.entries(LOOKS)) {
    await using window = await Window.open(browser, server.url, { scheme, width, height });
    for (const [name, path] of Object.entries(pagesOf(project))) {
      const status = await window.visit(path);
      if (status !== 200) throw new Error(`${path} answers ${status}`);
      await window.page.screenshot({ path: join(FOLDER, `${name}-${look}.png`) });
    }
  }
} finally {
  await browser.close();
}
