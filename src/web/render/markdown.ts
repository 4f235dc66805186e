import MarkdownIt from 'markdown-it';
import sanitize from 'sanitize-html';

const markdown = new MarkdownIt({ html: true, linkify: true });

/**
 * Renders Markdown as HTML that runs nothing and loads nothing from elsewhere.
 * @param text untrusted
 */
export function renderMarkdown(text: string): string {
  return sanitize(markdown.render(text), { allowedTags: sanitize.defaults.allowedTags });
}
