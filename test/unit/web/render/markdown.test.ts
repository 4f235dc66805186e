import { expect, it } from 'vitest';
import { renderMarkdown } from '../../../../src/web/render/markdown.ts';

it('renders Markdown and drops scripts', () => {
  const html = renderMarkdown('# Title\n\n<script>alert(1)</script><b onclick="x()">bold</b>');
  expect(html).toContain('<h1>Title</h1>');
  expect(html).toContain('<b>bold</b>');
  expect(html).not.toMatch(/script|onclick/);
});
