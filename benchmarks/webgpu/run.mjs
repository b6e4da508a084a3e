// TFLite files and their inputs enter (one JSON on stdin); what LiteRT.js answers under WebGPU leaves (JSON on stdout).
// In: {"chromium": path, "turns": n, "models": [{"path", "inputs": [{"type": "int32"|"float32", "shape", "values"}]}]}.
// Out: {"adapter", "browser", "models": [{"answers": [turn][input][number]}]}.

import {createServer} from 'node:http';
import {readFile} from 'node:fs/promises';
import {extname} from 'node:path';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';

const MODULES = fileURLToPath(new URL('node_modules/@litertjs/', import.meta.url));
const TYPES = {'.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html'};
// Chromium's own software adapter stands in for a GPU; JSPI lets LiteRT.js leave single operators to the CPU.
const FLAGS = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-first-run',
  '--enable-features=WebAssemblyJSPromiseIntegration', '--disable-background-networking', '--disable-sync',
  '--disable-component-update'];
const PAGE = `<!doctype html><script type="importmap">{"imports": {
  "@litertjs/core": "/core/dist/index.js", "@litertjs/wasm-utils": "/wasm-utils/dist/index.js"}}</script>`;

/** Serves the page, LiteRT.js and the model files of `paths`, from this machine to itself. */
function serve(paths) {
  const server = createServer(async (request, response) => {
    try {
      const model = /^\/model\/(\d+)$/.exec(request.url);
      const content = request.url === '/' ? PAGE : await readFile(model ? paths[Number(model[1])] : MODULES + request.url);
      response.writeHead(200, {'content-type': TYPES[extname(request.url)] ?? (model ? 'application/octet-stream' : 'text/html')});
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server)));
}

/** Runs in the page: every input of one model, in turn, `turns` times. */
async function answers({place, inputs, turns}) {
  const {Tensor, loadAndCompile} = await import('@litertjs/core');
  const model = await loadAndCompile(`/model/${place}`, {accelerator: 'webgpu'});
  const all = [];
  for (let turn = 0; turn < turns; turn++) {
    const each = [];
    for (const {type, shape, values} of inputs) {
      const given = new Tensor(type === 'int32' ? new Int32Array(values) : new Float32Array(values), shape);
      const [embedding] = await model.run([given]);
      const moved = await embedding.moveTo('wasm');
      each.push(Array.from(moved.toTypedArray()));
      moved.delete();
    }
    all.push(each);
  }
  model.delete();
  return all;
}

/** Runs in the page, once: starts LiteRT.js and names the WebGPU adapter. */
async function start() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('no WebGPU adapter');
  const {loadLiteRt} = await import('@litertjs/core');
  await loadLiteRt('/core/wasm/', {jspi: true});
  return `${adapter.info.vendor} ${adapter.info.architecture}`;
}

const job = JSON.parse(await new Response(process.stdin).text());
const server = await serve(job.models.map((model) => model.path));
const browser = await chromium.launch({executablePath: job.chromium, args: FLAGS});
try {
  const page = await browser.newPage();
  page.on('console', (message) => console.error(message.text()));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const adapter = await page.evaluate(start);
  const models = [];
  for (const [place, {inputs}] of job.models.entries()) {
    models.push({answers: await page.evaluate(answers, {place, inputs, turns: job.turns})});
  }
  process.stdout.write(JSON.stringify({adapter, browser: browser.version(), models}));
} finally {
  await browser.close();
  server.close();
}
