/**
 * A page's address enters; what its process grows by while memory-worker.js works for it leaves, as JSON: `browser`, its
 * version; `dims`, what the worker said; `now` and `peak`, bytes of resident memory over those of the page before. Linux
 * only. `node memory.js chromium address`: what benchmarks/web_memory.py drives.
 */

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync'];
const FORGET_PEAK = '5'; // for the kernel's clear_refs
const [, , executablePath = '', address = ''] = process.argv;

/** The numbers of all processes below `root` whose command line has `word`. @param {number} root @param {string} word */
async function below(root, word) {
  const parents = new Map();
  const found = [];
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    if (stat) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  for (const process of parents.keys()) {
    let above = process;
    while (above && above !== root) above = parents.get(above) ?? 0;
    const line = await readFile(`/proc/${process}/cmdline`, 'utf8').catch(() => '');
    if (above === root && line.includes(word)) found.push(process);
  }
  return found;
}

/** Bytes that a process has in memory: now, and the most since its peak was forgotten. @param {number} process */
async function resident(process) {
  const status = await readFile(`/proc/${process}/status`, 'utf8');
  const bytes = (/** @type {string} */ name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}

const server = await chromium.launchServer({ executablePath, args: FLAGS });
try {
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage();
  await page.goto(address);
  const before = new Map();
  for (const renderer of await below(server.process().pid ?? 0, '--type=renderer')) {
    await writeFile(`/proc/${renderer}/clear_refs`, FORGET_PEAK);
    before.set(renderer, (await resident(renderer)).now);
  }
  const dims = await page.evaluate(() => new Promise((ready, fail) => {
    const worker = new Worker('memory-worker.js');
    worker.onmessage = ({ data }) => ready(data);
    worker.onerror = ({ message }) => fail(new Error(message));
    worker.postMessage(null);
    Object.assign(globalThis, { worker }); // so that it stays while it is measured
  }));
  const growths = [];
  for (const [renderer, start] of before) {
    const { now, peak } = await resident(renderer);
    growths.push({ now: now - start, peak: peak - start });
  }
  const most = growths.reduce((one, other) => (one.peak > other.peak ? one : other));
  console.log(JSON.stringify({ browser: browser.version(), dims, ...most }));
} finally {
  await server.close();
}
