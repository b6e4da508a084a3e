// Encoders' files and a runtime that stands in for LiteRT.js enter; what the encoders refuse, and when they take a GPU, leaves.
// DIST names an export with .tflite and .onnx files.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { LiteRtEncoder } from '../runtimes/litert-encoder.js';
import { onnxText, tfliteText } from '../runtimes/stamp.js';
import { readManifest } from '../search/manifest.js';

const FOLDER = process.env.DIST ?? assert.fail('the environment variable DIST is not set');
const bytes = await readFile(join(FOLDER, 'manifest.json'));
const whole = readManifest(bytes, 'manifest.json');
const DIM = whole.dim;

for (const [format, read] of /** @type {const} */ ([['tflite', tfliteText], ['onnx', onnxText]])) {
  test(`each ${format} file says its space, model and encoder; what is none is refused in one line`, async () => {
    const artifacts = whole.artifacts.filter((artifact) => artifact.format === format);
    assert.ok(artifacts.length >= 2);
    for (const { path, encoder } of artifacts) {
      const file = await readFile(join(FOLDER, path));
      assert.deepEqual([read(file, path, 'space'), read(file, path, 'model'), read(file, path, 'encoder')], [whole.space, whole.model, encoder]);
      assert.throws(() => read(file, path, 'none'), { name: 'BadFileError', message: new RegExp(`^${path}: its metadata has no 'none'; .*$`) });
      for (const part of [file.subarray(0, 0), file.subarray(0, 9), file.subarray(0, file.length / 2), new Uint8Array(100).fill(255), new Uint8Array(100)]) {
        assert.throws(() => read(part, path, 'space'), { name: 'BadFileError', message: /^[^\n]+$/ });
      }
    }
  });
}

test('fp16 is refused by name before anything is loaded', async () => {
  const manifest = chosen('fp16');
  await assert.rejects(LiteRtEncoder.create({ manifest, load: () => assert.fail('loaded'), runtime: 'none/' }),
    { name: 'BadFileError', message: /^tflite\/\w+-fp16\.tflite: of precision fp16, .*expected fp32, int8 or dynamic-int8; /, kind: 'mismatched' });
});

test('an encoder of another space is refused, and tried again when it is asked for again', async () => {
  const other = '0'.repeat(64);
  const manifest = readManifest(Buffer.from(JSON.stringify({ ...chosenJson('fp32'), space: other })), 'manifest.json');
  let loads = 0;
  const load = (/** @type {'text' | 'image'} */ part) => (loads += 1, readFile(join(FOLDER, manifest.artifact('tflite', part).path)));
  const encoder = await LiteRtEncoder.create({ manifest, load, runtime: await fake('right') });
  for (const count of [1, 2]) {
    await assert.rejects(encoder.prepare('text'), { name: 'BadFileError', kind: 'mismatched',
      message: `tflite/text-fp32.tflite: of embedding space ${whole.space}, the manifest of ${other}` });
    assert.equal(loads, count);
  }
});

for (const [gpu, expected] of /** @type {const} */ ([['right', 'webgpu'], ['wrong', 'wasm'], ['wrong-later', 'wasm'], ['not a number', 'wasm'], ['none', 'wasm']])) {
  test(`a GPU whose answers are ${gpu}: ${expected} computes`, async () => {
    const { LiteRtEncoder: Fresh } = await fresh(gpu);
    const manifest = chosen('fp32');
    const load = (/** @type {'text' | 'image'} */ part) => readFile(join(FOLDER, manifest.artifact('tflite', part).path));
    const samples = { text: [new Int32Array(77), new Int32Array(77).fill(1)], image: [new Uint8Array(3)] };
    const encoder = await Fresh.create({ manifest, load, runtime: await fake(gpu), accelerator: 'webgpu', samples });
    await encoder.text(new Int32Array(77));
    assert.equal(/** @type {any} */ (globalThis).computedBy, expected);
    await encoder.close();
  });
}

test('without being asked for, no GPU is tried', async () => {
  const { LiteRtEncoder: Fresh } = await fresh('default');
  const manifest = chosen('fp32');
  const load = (/** @type {'text' | 'image'} */ part) => readFile(join(FOLDER, manifest.artifact('tflite', part).path));
  const encoder = await Fresh.create({ manifest, load, runtime: await fake('right') });
  await encoder.text(new Int32Array(77));
  assert.equal(/** @type {any} */ (globalThis).computedBy, 'wasm');
});

/** The module anew: it loads its runtime once. @param {string} name @returns {Promise<typeof import('../runtimes/litert-encoder.js')>} */
function fresh(name) {
  return import(`../runtimes/litert-encoder.js?${name}`);
}

/** The manifest with one precision alone. @param {string} precision */
function chosenJson(precision) {
  const json = JSON.parse(bytes.toString());
  return { ...json, artifacts: json.artifacts.filter((/** @type {any} */ one) => one.format === 'tflite' && one.precision === precision) };
}

/** @param {string} precision */
function chosen(precision) {
  return readManifest(Buffer.from(JSON.stringify(chosenJson(precision))), 'manifest.json');
}

/** A folder with a module that answers as LiteRT.js; its GPU is right, wrong, wrong from the second turn on, or not there. @param {string} gpu */
async function fake(gpu) {
  const folder = await mkdtemp(join(tmpdir(), 'litert-'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await writeFile(join(folder, 'index.js'), `
    export class Tensor { constructor(values) { this.values = values; } delete() {} data() { return this.values; } }
    export const supportsFeature = async () => true;
    export const loadLiteRt = async () => {};
    export const getWebGpuDevice = () => ${JSON.stringify(gpu)} === 'none' ? null : {};
    export async function loadAndCompile(bytes, { accelerator }) {
      let runs = 0;
      return { delete() {}, run: async () => {
        globalThis.computedBy = accelerator;
        runs += 1;
        const answer = new Float32Array(${DIM});
        const isWrong = accelerator === 'webgpu' && (${JSON.stringify(gpu)} === 'wrong' || ${JSON.stringify(gpu)} === 'wrong-later' && runs > 2);
        answer[isWrong ? 1 : 0] = ${JSON.stringify(gpu)} === 'not a number' && accelerator === 'webgpu' ? NaN : 1;
        return [new Tensor(answer)];
      } };
    }`);
  return `${pathToFileURL(folder)}/`;
}
