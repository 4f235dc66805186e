import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../src/cli/command-line.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { STATUS_OF } from '../../src/http/errors/status.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { ROOT, readText } from './source-tree.ts';

describe('links in the documents', () => {
  const pages = markdownFiles();

  it('are found on at least some pages', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['README.md', 'docs/README.md', 'docs/tutorial/first-push.md']),
    );
  });

  it.each(pages)('of %s lead to existing files and headings', (page) => {
    const broken = linksOf(page).filter((link) => !leadsSomewhere(page, link));
    expect(broken).toEqual([]);
  });

  it('lead from the first page to every other page', () => {
    const reached = new Set<string>();
    const next = ['README.md'];
    for (let page = next.pop(); page !== undefined; page = next.pop()) {
      if (reached.has(page) || !page.endsWith('.md')) continue;
      reached.add(page);
      next.push(...linksOf(page).map((link) => targetOf(page as string, link).path));
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });
});

describe('the two commands of the README', () => {
  const readme = readText('README.md');

  it('are all that setup needs', () => {
    expect(readme).toContain('npm ci && npm start ');
    expect(readme).toContain('npm ci && npm test ');
  });

  it('check every change', () => {
    expect(readText('.ci/run')).toContain('npm ci && npm test');
  });

  it('build on the oldest Node.js that is supported: it loads no module without an extension', () => {
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: { build: string } };
    for (const command of scripts.build.split(' && ')) expect(command).toMatch(/^node \S+\.m?js( |$)/);
  });

  it('install from any registry: the lock file names no addresses', () => {
    expect(readText('package-lock.json')).not.toMatch(/"resolved"|\.tgz"/);
  });
});

describe('error kinds', () => {
  const page = readText('docs/reference/errors.md');

  it('are documented with their status', () => {
    const documented = tableRows(page, /^\| `([a-z-]+)` \| (\d{3}) \|/);
    expect(Object.fromEntries(documented.map(([kind, status]) => [kind, Number(status)]))).toEqual(STATUS_OF);
  });

  it('all have a status', () => {
    const source = readText('src/lib/errors.ts');
    const union = /export type ErrorKind =([^;]+);/.exec(source)?.[1] ?? '';
    const kinds = [...union.matchAll(/'([a-z-]+)'/g)].map(([, kind]) => kind);
    expect(kinds.length).toBeGreaterThan(5);
    expect(Object.keys(STATUS_OF).sort()).toEqual(kinds.sort());
  });

  it('every reason that the ref rules give is documented', () => {
    const sources = [
      'src/policy/ref-rules.ts',
      'src/transfer/push/change.ts',
      'src/transfer/push/receive-push.ts',
    ];
    const reasons = sources.flatMap((path) => reasonsIn(readText(path)));
    expect(reasons.length).toBeGreaterThan(8);
    expect(reasons.filter((reason) => !page.includes(reason))).toEqual([]);
  });
});

describe('metrics', () => {
  it('are documented with their labels, and no others are documented', async () => {
    const registered = await new Metrics().registry.getMetricsAsJSON();
    const own = registered.filter(({ name }) => name.startsWith('cairn_')).map(({ name }) => name);
    const documented = tableRows(
      readText('docs/reference/metrics.md'),
      /^\| `(cairn_[a-z_]+)` \| (\w+) \| ([^|]*)\|/,
    );
    expect(documented.map(([name]) => name).sort()).toEqual(own.sort());
    const declared = Object.fromEntries(
      documented.map(([name, type, labels = '']) => [name, { type, labels: namesIn(labels) }]),
    );
    const actual = Object.fromEntries(declarations().map(([name, type, labels]) => [name, { type, labels }]));
    expect(declared).toEqual(actual);
  });
});

describe('the command line', () => {
  const page = readText('docs/reference/command-line.md');
  const settings = new Set(OPTIONS.map((option) => `--${option.name}`));
  const commands = leaves(
    commandLine({
      environment: {},
      print: () => undefined,
      warn: () => undefined,
      signal: new AbortController().signal,
    }),
  );

  it.each(commands.map((command) => [usage(command), command] as const))(
    '%s is documented',
    (title, command) => {
      const start = page.indexOf(`\`${title}\``);
      expect(start, `a heading with ${title}`).toBeGreaterThan(-1);
      const section = page.slice(
        start,
        page.indexOf('\n##', start + 1) === -1 ? undefined : page.indexOf('\n##', start + 1),
      );
      const own = command.options.filter((option) => !settings.has(option.long ?? ''));
      expect(
        own.filter((option) => !section.includes(`\`${option.flags}\``)).map((option) => option.flags),
      ).toEqual([]);
    },
  );
});

/** Every Markdown file of the project, by path from its root. */
function markdownFiles(): string[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  const top = readdirSync(ROOT);
  return [...top, ...docs.map((name) => posix.join('docs', name.replaceAll('\\', '/')))]
    .filter((name) => name.endsWith('.md'))
    .sort();
}

/** Targets of inline links and images, code left out, other sites left out. */
function linksOf(page: string): string[] {
  const prose = withoutCode(readText(page));
  const found = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return found.filter((target) => !/^[a-z]+:/.test(target));
}

function targetOf(
  page: string,
  link: string,
): { readonly path: string; readonly anchor: string | undefined } {
  const [path = '', anchor] = link.split('#');
  return { path: path === '' ? page : posix.join(posix.dirname(page), path), anchor };
}

function leadsSomewhere(page: string, link: string): boolean {
  const { path, anchor } = targetOf(page, link);
  if (!existsSync(join(ROOT, path)) || !statSync(join(ROOT, path)).isFile()) return false;
  return anchor === undefined || anchorsOf(path).has(anchor);
}

/** Anchors of a page's headings, made as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const lines = readText(page).split('\n');
  const headings = lines.flatMap((line) => /^#{1,6} (.+)$/.exec(line)?.[1] ?? []);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^( {0,3}```)[\s\S]*?^ {0,3}```/gm, '').replace(/`[^`\n]*`/g, '');
}

function tableRows(page: string, row: RegExp): string[][] {
  return page.split('\n').flatMap((line) => {
    const match = row.exec(line);
    return match === null ? [] : [match.slice(1)];
  });
}

/** Texts given as reasons: what stands before the first value that is put in. */
function reasonsIn(source: string): string[] {
  const found = source.matchAll(
    /(?:refuse\('[a-z]+', |overtaken\(\s*command,\s*|Failure\(|reason: |reason =\s+|\? )(['`])((?:(?!\1)[^$])+)/g,
  );
  return [...found].map(([, , text = '']) => text.trim()).filter((text) => text.includes(' '));
}

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name);
}

/** Name, type and labels of every metric, as the one file that declares them says. */
function declarations(): [string, string, string[]][] {
  const source = readText('src/observability/metrics.ts');
  const found = source.matchAll(
    /this\.(counter|gauge|histogram)\(\s*'(cairn_\w+)',\s*'[^']*',?\s*(?:\[([^\]]*)\])?/g,
  );
  return [...found].map(([, type = '', name = '', labels = '']) => [
    name,
    type,
    [...labels.matchAll(/'(\w+)'/g)].map(([, label = '']) => label),
  ]);
}

/** Commands that do something, without the help of commander itself. */
function leaves(command: Command): Command[] {
  const inner = command.commands.filter((child) => child.name() !== 'help');
  return inner.length === 0 ? [command] : inner.flatMap(leaves);
}

/** `cairn repo show <repository>`: the path to a command and its arguments. */
function usage(command: Command): string {
  const path: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) path.unshift(at.name());
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [...path, ...words].join(' ');
}
