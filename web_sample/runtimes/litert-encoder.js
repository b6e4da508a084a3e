/** A model's two `.tflite` files enter; embeddings leave, computed by LiteRT.js on one thread of the CPU or on the GPU. */

import { BadFileError } from '../search/malformed.js';
import { PartEncoder, checkSpace } from './encoder.js';
import { used } from './litert-build.js';
import { tfliteText } from './stamp.js';

const TURNS = 3; // a GPU may be right only at its first inference
const LEAST_COSINE = 0.9999;

/** @typedef {'wasm' | 'webgpu'} Accelerator */

/** `.tflite` encoders. LiteRT.js calls `importScripts`: for a classic worker. */
export class LiteRtEncoder extends PartEncoder {
  /**
   * Loads the runtime; the encoders later. `runtime`: the folder of LiteRT.js' files. `samples`: inputs that the GPU is
   * tried with, if `accelerator` asks for it; where it and the CPU differ, the CPU stays. Throws `BadFileError`.
   *
   * @param {{manifest: import('./encoder.js').ModelManifest, load: import('./encoder.js').Load, runtime: string,
   *   accelerator?: Accelerator, samples?: Record<import('./encoder.js').Part, import('./encoder.js').Input[]>}} options
   */
  static async create({ manifest, load, runtime, accelerator = 'wasm', samples }) {
    for (const part of /** @type {const} */ (['text', 'image'])) refuseHalf(manifest.artifact('tflite', part));
    const { litert, hasGpu } = await started(runtime, accelerator === 'webgpu');
    return new LiteRtEncoder(manifest, async (part) => {
      const { path } = manifest.artifact('tflite', part);
      const bytes = await load(part);
      checkSpace(manifest, path, tfliteText(bytes, path, 'space'));
      const size = manifest.image.size;
      const shape = part === 'text' ? [1, manifest.text.contextLength] : [1, size, size, 3];
      const cpu = await compiled(litert, bytes, shape, 'wasm');
      if (!hasGpu || !samples) return cpu;
      const gpu = await compiled(litert, bytes, shape, 'webgpu');
      const isRight = await agrees(cpu, gpu, samples[part]);
      (isRight ? cpu : gpu).close();
      return isRight ? gpu : cpu;
    });
  }
}

/** @param {{path: string, precision: string}} artifact */
function refuseHalf({ path, precision }) {
  if (precision !== 'fp16') return;
  throw new BadFileError(path, 'of precision fp16, with which LiteRT.js is four times slower than with fp32; expected '
    + 'fp32, int8 or dynamic-int8; `make web PRECISION=fp32` makes it', 'mismatched');
}

/** @type {ReturnType<typeof start> | undefined} */
let running; // LiteRT.js is loaded once in a worker

/**
 * @param {string} folder
 * @param {boolean} gpu
 */
function started(folder, gpu) {
  running ??= start(folder, gpu).catch((error) => {
    running = undefined;
    throw error;
  });
  return running;
}

/**
 * A GPU wants the JSPI build: the other runs no model of which some operators are left to the CPU. A site may lack it.
 *
 * @param {string} folder
 * @param {boolean} gpu
 */
async function start(folder, gpu) {
  /** @type {typeof import('@litertjs/core')} */
  const litert = await import(`${folder}index.js`);
  const load = (/** @type {boolean} */ jspi) => {
    // Else the runtime looks for its .wasm beside the worker.
    Object.assign(globalThis, { Module: { locateFile: (/** @type {string} */ name) => folder + name } });
    return litert.loadLiteRt(jspi ? folder : `${folder}${used}.js`, { jspi });
  };
  const isFit = gpu && await litert.supportsFeature('jspi') && await load(true).then(() => true, () => false);
  if (!isFit) await load(false);
  return { litert, hasGpu: isFit && litert.getWebGpuDevice() !== null };
}

/**
 * @param {typeof import('@litertjs/core')} litert
 * @param {Uint8Array} bytes
 * @param {number[]} shape
 * @param {Accelerator} accelerator
 * @returns {Promise<import('./encoder.js').Loaded>}
 */
async function compiled(litert, bytes, shape, accelerator) {
  const model = await litert.loadAndCompile(bytes, { accelerator });
  return {
    run: async (input) => {
      const given = new litert.Tensor(input instanceof Uint8Array ? Float32Array.from(input) : input, shape);
      const [embedding] = await model.run([given]);
      const found = /** @type {Float32Array} */ (await embedding.data());
      embedding.delete(); // the runtime's memory is freed by hand
      given.delete();
      return found;
    },
    close: () => model.delete(),
  };
}

/**
 * Whether the GPU answers as the CPU, several times in turn.
 *
 * @param {import('./encoder.js').Loaded} cpu
 * @param {import('./encoder.js').Loaded} gpu
 * @param {import('./encoder.js').Input[]} inputs
 */
async function agrees(cpu, gpu, inputs) {
  for (let turn = 0; turn < TURNS; turn++) {
    for (const input of inputs) if (!(cosine(await cpu.run(input), await gpu.run(input)) >= LEAST_COSINE)) return false;
  }
  return true;
}

/**
 * Of two vectors of unit length.
 *
 * @param {Float32Array} one
 * @param {Float32Array} other
 */
function cosine(one, other) {
  return one.reduce((sum, value, index) => sum + value * other[index], 0);
}
