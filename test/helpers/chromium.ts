/** A real browser for tests: Debian's Chromium, led by playwright-core. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const PROGRAM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** Why the tests in a browser cannot run here; undefined if they can. */
export const noChromium: string | undefined =
  PROGRAM === undefined ? 'chromium is not installed (Debian: chromium)' : undefined;

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Long enough for the first page on a machine that runs other tests beside. */
const PATIENCE_MS = 120_000;

/** Where the source of axe-core is. */
export const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export interface WindowOptions {
  /** False: no script runs. */
  readonly scripts?: boolean;
  readonly scheme?: 'light' | 'dark';
  /** In CSS pixels. */
  readonly width?: number;
  readonly height?: number;
}

/** Starts the browser. */
export async function launchChromium(): Promise<Browser> {
  if (PROGRAM === undefined) throw new Error(noChromium);
  return chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS, timeout: PATIENCE_MS });
}

function askedFor(url: string): string {
  return `a request to another host: ${url.slice(0, 200)}`;
}

/** A window that notes everything that should not happen on a page of one server. */
export class Window implements AsyncDisposable {
  readonly page: Page;
  private readonly context: BrowserContext;
  private readonly origin: string;
  private noted: string[] = [];

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.context = context;
    this.page = page;
    this.origin = origin;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.noted.push(message.text());
    });
    page.on('pageerror', (error) => this.noted.push(`an exception: ${error.message}`));
    page.on('dialog', (dialog) => {
      this.noted.push(`a dialog: ${dialog.message()}`);
      // A page that goes away takes its dialogs along.
      dialog.dismiss().catch(() => undefined);
    });
    // Of all frames, and of what the page loads.
    context.on('request', (request) => {
      const url = request.url();
      // What comes from the network; the browser's own viewer of documents loads parts of itself.
      if (!/^(?:http|ws)s?:/.test(url) || new URL(url).origin === this.origin) return;
      this.noted.push(askedFor(url));
    });
    context.on('requestfailed', (request) => {
      // The page's policy has stopped it before it was sent.
      const stopped = request.failure()?.errorText === 'csp';
      const at = stopped ? this.noted.indexOf(askedFor(request.url())) : -1;
      if (at >= 0) this.noted.splice(at, 1);
    });
  }

  /** @param origin of the server, the only one that may be asked for anything */
  static async open(browser: Browser, origin: string, options: WindowOptions = {}): Promise<Window> {
    const { scripts = true, scheme = 'light', width = 1280, height = 900 } = options;
    const context = await browser.newContext({
      javaScriptEnabled: scripts,
      colorScheme: scheme,
      viewport: { width, height },
    });
    return new Window(context, await context.newPage(), origin);
  }

  /** Goes to a page. @returns the status of the answer @throws Error for what is no page, such as a file to be saved */
  async visit(path: string): Promise<number> {
    this.noted = [];
    const response = await this.page.goto(`${this.origin}${path}`, { waitUntil: 'load' });
    if (response === null) throw new Error(`no answer for ${path}`);
    return response.status();
  }

  /** What should not have happened since the last visit began: errors, dialogs, requests to other hosts. */
  faults(): readonly string[] {
    return this.noted;
  }

  /** Changes the scheme and the width, without a new visit. */
  async look({ scheme, width }: { readonly scheme?: 'light' | 'dark'; readonly width?: number }) {
    if (scheme !== undefined) await this.page.emulateMedia({ colorScheme: scheme });
    if (width !== undefined) await this.page.setViewportSize({ width, height: 900 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
