/** The thread that renders: it answers one request after the other. The pool ends it when one takes too long. */
import { parentPort } from 'node:worker_threads';
import { RENDER_TASKS, type RenderReply, type RenderRequest } from './render-tasks.ts';

const reply = (message: RenderReply) => parentPort?.postMessage(message);

const answer = async ({ task, question }: RenderRequest) => {
  try {
    // The pool sends each task the question of its type.
    const render = RENDER_TASKS[task] as (asked: unknown) => Promise<unknown>;
    reply({ is: 'rendered', answer: await render(question) });
  } catch (error) {
    reply({ is: 'failed', reason: error instanceof Error ? error.message : String(error) });
  }
};

parentPort?.on('message', (request: RenderRequest) => void answer(request));
reply({ is: 'ready' });
