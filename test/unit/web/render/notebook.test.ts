import { describe, expect, it } from 'vitest';
import { MOST_CELLS, readNotebook } from '../../../../src/web/render/notebook.ts';
import { renderNotebook } from '../../../../src/web/render/render-notebook.ts';

const place = { files: '/file', raw: '/raw', folder: [] };
const notebook = (cells: unknown[], metadata: unknown = { language_info: { name: 'python' } }) =>
  JSON.stringify({ nbformat: 4, metadata, cells });
const code = (source: unknown, ...outputs: unknown[]) => ({
  cell_type: 'code',
  source,
  execution_count: 7,
  outputs,
});
const display = (data: unknown) => ({ output_type: 'display_data', data });

describe('a notebook', () => {
  it('has cells with text and code, and their output', () => {
    const read = readNotebook(
      notebook([
        { cell_type: 'markdown', source: ['# A\n', 'b'] },
        code('1 + 1', { output_type: 'stream', name: 'stdout', text: ['2\n', '3'] }),
        code('plot()', display({ 'text/plain': 'fig', 'image/png': 'aGk=\n' })),
        code('x', { output_type: 'error', traceback: ['\x1b[31mError\x1b[0m', 'line'] }),
        code('', display({ 'text/html': '<script>', 'text/plain': ['plain'] })),
        code('', display({ 'text/html': '<script>' })),
      ]),
    );
    expect(read?.cells.map(({ is, source, count }) => [is, source, count])).toEqual([
      ['markdown', '# A\nb', undefined],
      ['code', '1 + 1', 7],
      ['code', 'plot()', 7],
      ['code', 'x', 7],
      ['code', '', 7],
      ['code', '', 7],
    ]);
    expect(read?.cells.flatMap(({ outputs }) => outputs)).toEqual([
      { is: 'text', text: '2\n3', isError: false },
      { is: 'picture', url: 'data:image/png;base64,aGk=' },
      { is: 'text', text: 'Error\nline', isError: true },
      { is: 'text', text: 'plain', isError: false },
      { is: 'left-out', type: 'text/html' },
    ]);
    expect(read?.cut).toBe(false);
  });

  it('has exactly one valid form', () => {
    for (const text of ['', 'x', '[]', '{}', 'null', '{"nbformat":3,"cells":[]}', '['.repeat(1_000_000)])
      expect(readNotebook(text)).toBeUndefined();
  });

  it('with unknown parts is shown without them', () => {
    const odd = [
      null,
      1,
      {},
      { cell_type: 'x' },
      code(5),
      code('a', null, {}, { output_type: 'stream', text: {} }),
    ];
    const read = readNotebook(notebook(odd, null));
    expect(read?.cells.map(({ source, outputs }) => [source, outputs.length])).toEqual([
      ['', 0],
      ['a', 0],
    ]);
    const picture = readNotebook(notebook([code('', display({ 'image/png': '"onload=x' }))]));
    expect(picture?.cells[0]?.outputs).toEqual([{ is: 'left-out', type: 'image/png' }]);
  });

  it('of hostile size is cut', () => {
    const many = readNotebook(notebook(Array.from({ length: MOST_CELLS + 1 }, () => code('x'))));
    expect([many?.cells.length, many?.cut]).toEqual([MOST_CELLS, true]);
    const long = readNotebook(
      notebook([code('y'.repeat(60_000), { output_type: 'stream', text: 'z'.repeat(20_000) })]),
    );
    expect(long?.cells[0]?.source.length).toBeLessThan(60_000);
    expect(long?.cells[0]?.outputs[0]).toMatchObject({ text: `${'z'.repeat(10_000)}…` });
    const large = display({ 'image/png': 'A'.repeat(3 * 1024 * 1024) });
    const pictures = readNotebook(notebook([code('', large, large)]));
    expect(pictures?.cells[0]?.outputs.map(({ is }) => is)).toEqual(['picture', 'left-out']);
    expect(pictures?.cut).toBe(true);
  });

  it('is rendered as highlighted code and clean Markdown', () => {
    const cells = [
      { cell_type: 'markdown', source: '**b** <script>alert(1)</script>' },
      code('import x # <b>'),
      { cell_type: 'raw', source: '<i>' },
    ];
    const rendered = renderNotebook({ text: notebook(cells), place });
    const [text, marked, raw] = rendered?.cells.map(({ html }) => html) ?? [];
    expect(text).toContain('<strong>b</strong>');
    expect(text).not.toContain('<script');
    expect(marked).toContain('<span class="hljs-keyword">import</span>');
    expect(marked).toContain('&lt;b&gt;');
    expect(raw).toBe('&lt;i&gt;');
    expect(
      renderNotebook({ text: notebook([code('<b>')], { language_info: { name: 'none' } }), place })?.cells[0]
        ?.html,
    ).toBe('&lt;b&gt;');
  });
});
