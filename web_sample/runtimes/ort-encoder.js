/** A model's two `.onnx` files enter; embeddings leave, computed by ONNX Runtime Web on one thread of the CPU. */

import { PartEncoder, checkSpace } from './encoder.js';
import { onnxText } from './stamp.js';

/** `.onnx` encoders. */
export class OrtEncoder extends PartEncoder {
  /**
   * Loads the runtime; the encoders later. `runtime`: the folder of ONNX Runtime's files.
   *
   * @param {{manifest: import('./encoder.js').ModelManifest, load: import('./encoder.js').Load, runtime: string}} options
   */
  static async create({ manifest, load, runtime }) {
    /** @type {typeof import('onnxruntime-web/wasm')} */
    const ort = await import(`${runtime}ort.wasm.min.mjs`);
    ort.env.wasm.numThreads = 1; // more want headers that few hosts send
    ort.env.wasm.wasmPaths = runtime;
    return new OrtEncoder(manifest, async (part) => {
      const { path } = manifest.artifact('onnx', part);
      const bytes = await load(part);
      checkSpace(manifest, path, onnxText(bytes, path, 'space'));
      const session = await ort.InferenceSession.create(bytes);
      return {
        run: async (input) => {
          const size = manifest.image.size;
          const [name, given] = input instanceof Int32Array
            ? ['token_ids', new ort.Tensor('int32', input, [1, input.length])]
            : ['image', new ort.Tensor('float32', planes(input), [1, 3, size, size])];
          return /** @type {Float32Array} */ ((await session.run({ [name]: given })).embedding.data);
        },
        close: () => session.release(),
      };
    });
  }
}

/**
 * From red, green and blue of each pixel to a plane of each.
 *
 * @param {Uint8Array} square
 */
function planes(square) {
  const pixels = square.length / 3;
  return Float32Array.from(square, (_, index) => square[(index % pixels) * 3 + Math.floor(index / pixels)]);
}
