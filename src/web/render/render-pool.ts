import { Worker } from 'node:worker_threads';
import { CairnError } from '../../lib/errors.ts';
import { Limiter } from '../../lib/limiter.ts';
import type {
  RenderAnswer,
  RenderQuestion,
  RenderReply,
  RenderRequest,
  RenderTaskName,
} from './render-tasks.ts';

export interface RenderPoolOptions {
  /** Threads at most. */
  readonly workers: number;
  /** Texts that may wait for a thread; others are told `busy`. */
  readonly queue: number;
  /** Milliseconds that one text may take. */
  readonly timeLimit: number;
  /** MiB of memory that a thread may use. */
  readonly memory: number;
  /** Milliseconds for which a thread stays after its last text. */
  readonly idle: number;
  /** The program of the threads. */
  readonly program?: URL;
}

/** Renders text that strangers wrote. */
export type Renderer = Pick<RenderPool, 'render'>;

/** Shows every text unrendered. */
export const NO_RENDERER: Renderer = { render: () => Promise.resolve(undefined) };

/** Milliseconds in which a thread has to start. */
const START = 60_000;

/**
 * The program of the threads, as JavaScript. Tests run the source, but Node starts no thread from TypeScript, so theirs run
 * the program that was built.
 */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/render-worker.js' : './render-worker.js',
  import.meta.url,
);

/**
 * Renders what strangers wrote in threads of its own: some texts take very long, or very much memory. Such a text costs its
 * thread, and nothing else waits for it but other texts.
 */
export class RenderPool {
  private readonly options: RenderPoolOptions;
  private readonly slots: Limiter;
  private readonly idle = new Set<RenderThread>();
  /** Those that run, idle ones included. */
  private readonly threads = new Set<RenderThread>();
  private readonly ending = new Set<Promise<void>>();
  /** Texts that wait for a thread, each with a slot. */
  private readonly waiting: ((thread: RenderThread | undefined) => void)[] = [];
  private closed = false;

  constructor(options: RenderPoolOptions) {
    this.options = options;
    this.slots = new Limiter('texts to be rendered', options.workers, options.queue);
  }

  /** Threads that run. */
  get size(): number {
    return this.threads.size;
  }

  /**
   * Renders a text.
   * @returns undefined if that takes too long or too much memory, or the renderer fails: the text is shown unrendered
   * @throws CairnError `busy` when too many texts wait
   */
  async render<Name extends RenderTaskName>(
    task: Name,
    question: RenderQuestion<Name>,
    signal?: AbortSignal,
  ): Promise<RenderAnswer<Name> | undefined> {
    const release = await this.slots.acquire(signal);
    try {
      if (this.closed) throw new CairnError('busy', 'the server is stopping');
      const thread = await this.take();
      if (thread === undefined) return undefined;
      const reply = await thread.ask({ task, question }, this.options.timeLimit);
      if (thread.isUsable && !this.closed) this.give(thread);
      else await this.end(thread);
      // The worker answers each task with the answer of its type.
      return reply?.is === 'rendered' ? (reply.answer as RenderAnswer<Name>) : undefined;
    } finally {
      release();
    }
  }

  /** Ends the threads. Texts that are being rendered stay as they are. */
  async close(): Promise<void> {
    this.closed = true;
    for (const resolve of this.waiting.splice(0)) resolve(undefined);
    await Promise.all([...this.ending, ...[...this.threads].map((thread) => this.end(thread))]);
  }

  /**
   * Takes the thread that is free first: one that rests, the one that another text has, or a new one, which takes longer to start than most
   * texts to be rendered.
   * @returns undefined if none could be started
   */
  private async take(): Promise<RenderThread | undefined> {
    for (const kept of this.idle) {
      this.idle.delete(kept);
      kept.wake();
      if (kept.isUsable) return kept;
      this.threads.delete(kept);
    }
    // Fewer texts have slots than there may be threads, so each finds one.
    // The system may have no thread left: the text of this moment hears of it. What comes then reports nothing.
    if (this.threads.size < this.options.workers)
      void this.start(new RenderThread(this.options.program ?? PROGRAM, this.options.memory));
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private async start(thread: RenderThread): Promise<void> {
    this.threads.add(thread);
    if (await thread.started()) this.give(thread);
    else {
      this.waiting.shift()?.(undefined);
      await this.end(thread);
    }
  }

  /** Gives a free thread to the text that waits the longest, or lets it rest. */
  private give(thread: RenderThread): void {
    const next = this.waiting.shift();
    if (next !== undefined) {
      next(thread);
      return;
    }
    this.idle.add(thread);
    // Nothing waits for an idle thread, and ending it does not fail.
    thread.rest(this.options.idle, () => void this.end(thread));
  }

  private end(thread: RenderThread): Promise<void> {
    this.idle.delete(thread);
    this.threads.delete(thread);
    const ending = thread.end().finally(() => this.ending.delete(ending));
    this.ending.add(ending);
    return ending;
  }
}

/** One thread. It is asked one thing at a time. */
class RenderThread {
  isUsable = true;
  private readonly worker: Worker;
  private readonly ready: Promise<void>;
  private heard: (reply: RenderReply | undefined) => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(program: URL, memory: number) {
    this.worker = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: memory, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
      // It needs nothing of what this process was told, such as keys.
      env: {},
      execArgv: [],
    });
    let start: () => void = () => undefined;
    this.ready = new Promise((resolve) => {
      start = resolve;
    });
    this.worker.on('message', (reply: RenderReply) => (reply.is === 'ready' ? start() : this.heard(reply)));
    const gone = () => {
      this.isUsable = false;
      start();
      this.heard(undefined);
    };
    // Out of memory is an error; it ends the thread and nothing else.
    this.worker.on('error', gone);
    this.worker.on('exit', gone);
  }

  /** @returns false if it did not start */
  async started(): Promise<boolean> {
    await this.within(START, this.ready);
    return this.isUsable;
  }

  /** @returns undefined when there is no answer in time: then the thread is of no use any more */
  async ask(request: RenderRequest, timeLimit: number): Promise<RenderReply | undefined> {
    if (!this.isUsable) return undefined;
    const answer = new Promise<RenderReply | undefined>((resolve) => {
      this.heard = resolve;
    });
    this.worker.postMessage(request);
    return this.within(timeLimit, answer);
  }

  /** Does not keep the process, and calls back after a while. */
  rest(milliseconds: number, done: () => void): void {
    this.worker.unref();
    this.timer = setTimeout(done, milliseconds);
    this.timer.unref();
  }

  wake(): void {
    this.worker.ref();
    clearTimeout(this.timer);
  }

  async end(): Promise<void> {
    this.isUsable = false;
    clearTimeout(this.timer);
    await this.worker.terminate();
  }

  private async within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        this.isUsable = false;
        resolve(undefined);
      }, milliseconds);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
