// TFLite files and their inputs enter (one JSON on stdin); what LiteRT.js answers under WebGPU leaves (JSON on stdout).
// In: {"chromium": path, "packages": folder with node_modules, "turns": n, "seconds": n, "models": [{"path", "inputs": [{"type": "int32"|"float32", "shape", "values"}]}]}.
// Out: {"adapter", "browser", "models": [{"answers": [turn][input][number]}]}; of a model for which all inputs would take
// longer than `seconds`, the first ones.

import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {readFile} from 'node:fs/promises';
import {extname, join} from 'node:path';

const TYPES = {'.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html'};
// Chromium's own software adapter stands in for a GPU; JSPI lets LiteRT.js leave single operators to the CPU.
const FLAGS = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-first-run',
  '--enable-features=WebAssemblyJSPromiseIntegration', '--disable-background-networking', '--disable-sync',
  '--disable-component-update'];
const PAGE = `<!doctype html><script type="importmap">{"imports": {
  "@litertjs/core": "/core/dist/index.js", "@litertjs/wasm-utils": "/wasm-utils/dist/index.js"}}</script>`;

/** Serves the page, LiteRT.js from `runtime` and the model files of `paths`, from this machine to itself. */
function serve(runtime, paths) {
  const server = createServer(async (request, response) => {
    try {
      const model = /^\/model\/(\d+)$/.exec(request.url);
      const content = request.url === '/' ? PAGE : await readFile(model ? paths[Number(model[1])] : join(runtime, request.url));
      response.writeHead(200, {'content-type': TYPES[extname(request.url)] ?? (model ? 'application/octet-stream' : 'text/html')});
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server)));
}

/** Runs in the page: the inputs of one model, in turn, `turns` times. */
async function answers({place, inputs, turns, seconds}) {
  const {Tensor, loadAndCompile} = await import('@litertjs/core');
  const model = await loadAndCompile(`/model/${place}`, {accelerator: 'webgpu'});
  const embedding = async ({type, shape, values}) => {
    const given = new Tensor(type === 'int32' ? new Int32Array(values) : new Float32Array(values), shape);
    const [found] = await model.run([given]);
    const moved = await found.moveTo('wasm');
    const numbers = Array.from(moved.toTypedArray());
    moved.delete();
    return numbers;
  };
  const started = performance.now();
  const first = [];
  for (const input of inputs) {
    first.push(await embedding(input));
    if (performance.now() - started > 1000 * seconds / turns) break;
  }
  const all = [first];
  while (all.length < turns) {
    const again = [];
    for (const input of inputs.slice(0, first.length)) again.push(await embedding(input));
    all.push(again);
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
const {chromium} = createRequire(join(job.packages, 'package.json'))('playwright-core');
const server = await serve(join(job.packages, 'node_modules', '@litertjs'), job.models.map((model) => model.path));
const browser = await chromium.launch({executablePath: job.chromium, args: FLAGS});
try {
  const page = await browser.newPage();
  page.on('console', (message) => console.error(message.text()));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const adapter = await page.evaluate(start);
  const models = [];
  for (const [place, {inputs}] of job.models.entries()) {
    models.push({answers: await page.evaluate(answers, {place, inputs, turns: job.turns, seconds: job.seconds})});
  }
  process.stdout.write(JSON.stringify({adapter, browser: browser.version(), models}));
} finally {
  await browser.close();
  server.close();
}
