// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of programs
import { describe, expect, it } from 'vitest';
import { highlightLines, highlightPieces } from '../../../../src/web/render/highlight.ts';
import type { Language } from '../../../../src/web/render/language-of.ts';
import { placesToBegin } from '../../../../src/web/render/places-to-begin.ts';
import { readText, sourceFiles } from '../../../architecture/source-tree.ts';

/** For each line whether it begins inside something. */
function insides(text: string, language: Language): boolean[] {
  let place = 0;
  return text.split('\n').map((line) => {
    const start = place;
    place += line.length + 1;
    return placesToBegin(text, language, [start])?.[0] !== start;
  });
}

it.each<[Language, string, string]>([
  ['c', '/*\n x\n*/\nint a; // /*\nchar *b = "/*";\n', '011000'],
  ['c', "char q = '\"'; /* don't\n */ x\ny", '010'],
  ['c', 'char *s = "a \\" /*";\nint x;', '00'],
  ['css', 'a { /* //\n*/ }\n// /* \nx', '0101'],
  ['go', 'a := `\n" // `\nb', '010'],
  ['java', 'String s = """\n /* " \n""";\nint x;', '0110'],
  ['python', 'a = """x\n# \'\'\'\n"""\nb = \'\'\'\n"""\n\'\'\' # """\nc', '0110110'],
  ['typescript', 'const a = `\n${b}\n`;\nc', '0110'],
  ['typescript', 'a(`${x.map((y) => {\n  return `<b>${y}\n</b>`;\n})}`);\nc', '01110'],
  ['typescript', "const a = `it's ${'`'} \\` \n`;\nc", '010'],
  ['typescript', 'const a = /[`"/]/;\nb', '00'],
  ['typescript', 'a = b / c; d = "`" / `\n`;\ne', '010'],
  ['typescript', 'a(`${/* ` */ b} // ${"}"} \n`);\nc', '010'],
  ['javascript', '`\nnever closed\n', '011'],
  ['markdown', 'a\n```ts\n~~~\n```\nb `` ``` \n~~~\n```\n~~~\nc', '001100110'],
  ['xml', '<p\n a="b">\n<!--\n<p>\n-->\n<style>\na {}\n</style>\nx', '010110110'],
  ['json', '{\n"/*": 1\n}', '000'],
])('of %s %j the lines begin %s inside something', (language, text, expected) => {
  expect(insides(text, language).map(Number).join('')).toBe(expected);
});

it('each line begins with what is open before it, or with itself', () => {
  const text = '/*\n*/\na /*\n\n*/\nb\n';
  expect(placesToBegin(text, 'c', [0, 3, 6, 11, 12, 15, 17])).toEqual([0, 0, 6, 8, 8, 15, 17]);
  expect(placesToBegin(text, 'c', [])).toEqual([]);
  // Nothing is known about this language: every line may depend on all before it.
  expect(placesToBegin(text, 'ruby', [0, 3])).toBeUndefined();
});

it('hostile text takes time in proportion to its length', () => {
  // Each takes milliseconds; in the square of its length it would take minutes, longer than a test may.
  const parts = ['/*/', '(/[', '`${', '"\\', "'`", '`/*', '<!--', '{`', '(/a', '`"', '${`}'];
  for (const part of parts) {
    const text = part.repeat(200_000);
    for (const language of ['typescript', 'python', 'xml', 'markdown', 'csharp'] as const)
      expect(placesToBegin(text, language, [text.length]), part).toHaveLength(1);
  }
});

describe('for the source of this program', () => {
  it('it agrees with highlight.js about comments and templates', () => {
    const wrong: string[] = [];
    let inside = 0;
    for (const { path } of sourceFiles().slice(0, 250)) {
      const text = readText(path);
      const marked = highlightLines({ text, language: 'typescript', columns: 1_000 });
      let place = 0;
      for (const [at, line] of text.split('\n').entries()) {
        // What is open at the end of a line is opened again at the beginning of the next.
        const open = /^(?:<span class="[^"]*">)*<span class="hljs-(?:comment|string)">/.test(
          marked?.[at] ?? '',
        );
        if (open && !/^\s*(?:\/[/*]|["'`])/.test(line)) {
          inside++;
          if (placesToBegin(text, 'typescript', [place])?.[0] === place) wrong.push(`${path}:${at + 1}`);
        }
        place += line.length + 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(inside).toBeGreaterThan(500);
  });

  it('parts that begin in a comment or template have the colours that they have in the whole file', () => {
    let [all, wrong] = [0, 0];
    for (const { path } of sourceFiles().slice(0, 150)) {
      const text = readText(path);
      const whole = highlightLines({ text, language: 'typescript', columns: 1_000 }) ?? [];
      let place = 0;
      const places = text.split('\n').map((line) => {
        const begin = place;
        place += line.length + 1;
        return begin;
      });
      const begins = placesToBegin(text, 'typescript', places);
      for (let first = 0; first < whole.length; first += 3) {
        if (begins?.[first] === places[first]) continue;
        const wanted = [{ first, count: Math.min(9, whole.length - first) }];
        const [part] = highlightPieces({
          pieces: [{ text, language: 'typescript', wanted }],
          columns: 1_000,
        });
        for (const [at, line] of (part ?? []).entries()) {
          all++;
          if (line !== whole[first + at]) wrong++;
        }
      }
    }
    expect(all).toBeGreaterThan(1_000);
    // Behind the comment, a line may depend on code before it, such as the beginning of a function.
    expect(wrong / all).toBeLessThan(0.01);
  });
});
