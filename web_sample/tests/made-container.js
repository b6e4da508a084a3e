// Metadata and tensors enter; the bytes of a container leave, right or wrong as a test wants it.

/** @typedef {{name: string, type: string, shape: number[], data: Uint8Array}} MadeTensor */

/** @param {Record<string, string>} metadata @param {MadeTensor[]} tensors in the file's order */
export function container(metadata, tensors) {
  let position = 0;
  const entries = tensors.map(({ name, type, shape, data }) => {
    const start = position;
    position += data.length;
    return [name, { dtype: type, shape, data_offsets: [start, position] }];
  });
  const header = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries]));
  return withHeader(header, joined(...tensors.map((one) => one.data)));
}

/** A file of this header, padded to a multiple of 8, and this data. @param {string} header @param {Uint8Array} data */
export function withHeader(header, data) {
  const text = new TextEncoder().encode(header);
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  return joined(little(padded.length), padded, data);
}

/** A length as 8 bytes. @param {number | bigint} length */
export function little(length) {
  return new Uint8Array(BigUint64Array.of(BigInt(length)).buffer);
}

/** @param {Uint8Array[]} parts */
export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The text of a file's header. @param {Uint8Array} file */
export function headerOf(file) {
  return new TextDecoder().decode(file.subarray(8, 8 + Number(new DataView(file.buffer).getBigUint64(0, true))));
}

/** The file with `after` in its header in place of `before`, which stands there once. @param {Uint8Array} file
 * @param {string} before @param {string} after */
export function edited(file, before, after) {
  const header = headerOf(file);
  if (header.split(before).length !== 2) throw new Error(`${before} does not stand once in ${header}`);
  const start = 8 + new TextEncoder().encode(header).length;
  return withHeader(header.replace(before, () => after).trimEnd(), file.subarray(start));
}
