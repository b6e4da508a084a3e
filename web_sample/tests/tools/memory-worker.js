/** A message enters; both encoders of ../model/ are loaded and asked once, and the lengths of their embeddings leave. */

onmessage = async () => {
  const address = (/** @type {string} */ path) => new URL(`../${path}`, location.href).href;
  /** @type {typeof import('../../shop/files.js')} */
  const { Files } = await import(address('shop/files.js'));
  /** @type {typeof import('../../runtimes/litert-encoder.js')} */
  const { LiteRtEncoder } = await import(address('runtimes/litert-encoder.js'));
  /** @type {typeof import('../../search/manifest.js')} */
  const { readManifest } = await import(address('search/manifest.js'));
  const manifest = readManifest(await (await fetch(address('model/manifest.json'))).bytes(), 'manifest.json');
  const files = new Files(address('model/'), () => {});
  const load = (/** @type {'text' | 'image'} */ part) => {
    const { path, sha256, bytes } = manifest.artifact('tflite', part);
    return files.get({ path, digest: sha256, bytes });
  };
  const encoder = await LiteRtEncoder.create({ manifest, load, runtime: address('runtime/litert/') });
  const text = await encoder.text(new Int32Array(manifest.text.contextLength));
  const image = await encoder.image(new Uint8Array(3 * manifest.image.size ** 2));
  postMessage([text.length, image.length]);
};
