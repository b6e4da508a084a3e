// The name of a browser enters; a page in it leaves, with what tests of every engine need: addresses, keys, files, scripts.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { launch } from './site.js';

const SECONDS = 3600; // longer than any script takes
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'; // WebDriver's name of a reference
const ENTER = '\uE007'; // WebDriver's

/**
 * @typedef {object} Tab a page in a browser
 * @property {string} browser its name and version
 * @property {(url: string) => Promise<unknown>} open
 * @property {<T, R>(work: (given: T) => R, given: T) => Promise<Awaited<R>>} call runs in the page, with what JSON can hold
 * @property {(selector: string, text: string) => Promise<unknown>} type empties a field, types into it, and presses Enter
 * @property {(selector: string, path: string) => Promise<unknown>} give chooses a file
 * @property {(selector: string) => Promise<unknown>} click
 * @property {() => Promise<unknown>} close and its browser
 */

/** @type {Record<string, () => Promise<Tab>>} */
const ENGINES = { chromium: chromiumTab, firefox: firefoxTab, webkit: webkitTab };

/** A page in the browser that ENGINE names, with a new profile. @returns {Promise<Tab>} */
export function tab() {
  return ENGINES[process.env.ENGINE ?? 'chromium']();
}

/** Waits until a function that runs in the page says so. @template T
 * @param {Tab} page @param {(given: T) => unknown} holds @param {T} given */
export async function waited(page, holds, given) {
  const end = Date.now() + 60_000;
  while (!await page.call(/** @type {any} */ (holds), given)) {
    if (Date.now() > end) throw new Error(`not within a minute: ${holds}`);
    await new Promise((later) => setTimeout(later, 50));
  }
}

/** Debian's Chromium, through its own protocol. @returns {Promise<Tab>} */
async function chromiumTab() {
  const browser = await launch();
  const page = await (await browser.newContext({ locale: 'en-US' })).newPage();
  return {
    browser: `Chromium ${browser.version()}`,
    open: (url) => page.goto(url),
    call: (work, given) => page.evaluate(/** @type {any} */ (work), given),
    type: async (selector, text) => {
      await page.fill(selector, text);
      await page.press(selector, 'Enter');
    },
    give: (selector, path) => page.setInputFiles(selector, path),
    click: (selector) => page.click(selector),
    close: () => browser.close(),
  };
}

/** Firefox, through WebDriver BiDi. FIREFOX names it. @returns {Promise<Tab>} */
async function firefoxTab() {
  const { default: puppeteer } = await import('puppeteer-core');
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr', protocolTimeout: 1000 * SECONDS,
    extraPrefsFirefox: { 'intl.accept_languages': 'en-US' },
  });
  const page = await browser.newPage();
  return {
    browser: (await browser.version()).replace('firefox/', 'Firefox '),
    open: (url) => page.goto(url),
    call: (work, given) => page.evaluate(/** @type {any} */ (work), given),
    type: async (selector, text) => {
      await page.click(selector, { count: 3 });
      await page.keyboard.press('Backspace');
      await page.type(selector, text);
      await page.keyboard.press('Enter');
    },
    give: async (selector, path) => {
      const field = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement>} */ (await page.$(selector));
      await field.uploadFile(path);
    },
    click: (selector) => page.click(selector),
    close: () => browser.close(),
  };
}

/** WebKitGTK's MiniBrowser, through WebDriver. It needs a screen. @returns {Promise<Tab>} */
async function webkitTab() {
  const port = await freePort();
  // Else its language is the environment's, which may be none: C.
  const env = { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8', LANGUAGE: 'en_US' };
  const driver = spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore', env });
  /** @type {(method: string, path: string, body?: object) => Promise<any>} */
  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  };
  await listening(port);
  const { sessionId, capabilities } = await ask('POST', '/session', { capabilities: { alwaysMatch: {} } });
  const session = `/session/${sessionId}`;
  await ask('POST', `${session}/timeouts`, { script: 1000 * SECONDS, pageLoad: 60_000 });
  const element = async (/** @type {string} */ selector) =>
    `${session}/element/${(await ask('POST', `${session}/element`, { using: 'css selector', value: selector }))[ELEMENT]}`;
  const send = async (/** @type {string} */ selector, /** @type {string} */ text) =>
    ask('POST', `${await element(selector)}/value`, { text });
  return {
    browser: `WebKitGTK ${capabilities.browserVersion}`,
    open: (url) => ask('POST', `${session}/url`, { url }),
    call: async (work, given) => {
      const script = 'const [given, done] = arguments; '
        + `(async () => (${work})(given))().then((value) => done({ value }), (error) => done({ error: String(error) }))`;
      const { value, error } = await ask('POST', `${session}/execute/async`, { script, args: [given ?? null] });
      if (error) throw new Error(error);
      return value;
    },
    type: async (selector, text) => {
      await ask('POST', `${await element(selector)}/clear`, {});
      await send(selector, text + ENTER);
    },
    give: send,
    click: async (selector) => ask('POST', `${await element(selector)}/click`, {}),
    close: async () => {
      await ask('DELETE', session);
      driver.kill();
    },
  };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((ready) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => ready(port));
    });
  });
}

/** Waits until a WebDriver answers. @param {number} port */
async function listening(port) {
  const end = Date.now() + 60_000;
  for (;;) {
    try {
      return await (await fetch(`http://127.0.0.1:${port}/status`)).json();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((later) => setTimeout(later, 50));
    }
  }
}
