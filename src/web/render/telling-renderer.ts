import type { Renderer } from './render-pool.ts';
import type { RenderAnswer, RenderQuestion, RenderTaskName } from './render-tasks.ts';

/** A renderer that tells when it leaves a text as it is. @param onLeft is called then */
export function tellingRenderer(renderer: Renderer, onLeft: () => void): Renderer {
  return {
    async render<Name extends RenderTaskName>(
      task: Name,
      question: RenderQuestion<Name>,
      signal?: AbortSignal,
    ): Promise<RenderAnswer<Name> | undefined> {
      const rendered = await renderer.render(task, question, signal);
      if (rendered === undefined) onLeft();
      return rendered;
    },
  };
}
