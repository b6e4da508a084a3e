/** A message enters; both encoders of ../model/ are loaded and asked once, and the lengths of their embeddings leave. */

onmessage = async () => {
  const address = (/** @type {string} */ path) => new URL(`../${path}`, location.href).href;
  const read = async (/** @type {string} */ path) => new Uint8Array(await (await fetch(address(`model/${path}`))).arrayBuffer());
  /** @type {typeof import('../../runtimes/litert-encoder.js')} */
  const { LiteRtEncoder } = await import(address('runtimes/litert-encoder.js'));
  /** @type {typeof import('../../search/manifest.js')} */
  const { readManifest } = await import(address('search/manifest.js'));
  const manifest = readManifest(await read('manifest.json'), 'manifest.json');
  const load = (/** @type {'text' | 'image'} */ part) => read(manifest.artifact('tflite', part).path);
  const encoder = await LiteRtEncoder.create({ manifest, load, runtime: address('runtime/litert/') });
  const text = await encoder.text(new Int32Array(manifest.text.contextLength));
  const image = await encoder.image(new Uint8Array(3 * manifest.image.size ** 2));
  postMessage([text.length, image.length]);
};
