/** An encoder's file enters; one text of its own metadata leaves, such as the embedding space that it was made for. */

import { malformed, reading, wellFormed } from '../search/malformed.js';

// Of the flatbuffer's tables Model, Metadata and Buffer, the places of the fields.
const BUFFERS = 4;
const METADATA = 6;
const NAME = 0;
const BUFFER = 1;
const DATA = 0;
// Of the protocol buffers ModelProto and StringStringEntryProto, the numbers of the fields.
const PROPERTIES = 14;
const KEY = 1;
const VALUE = 2;

/**
 * The text under `key` in a `.tflite` file's metadata table. Throws `BadFileError` where there is none, and for what is
 * no such file.
 *
 * @param {Uint8Array} file
 * @param {string} name of the file, for errors
 * @param {string} key
 */
export function tfliteText(file, name, key) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  /** Where that which the offset at `place` points to starts. @param {number} place */
  const target = (place) => place + view.getUint32(place, true);
  /** Where a table's field stands; null for one that it leaves out. @type {(table: number, field: number) => number | null} */
  const field = (table, number) => {
    const layout = table - view.getInt32(table, true);
    const slot = 4 + 2 * number;
    const offset = slot < view.getUint16(layout, true) ? view.getUint16(layout + slot, true) : 0;
    return offset ? table + offset : null;
  };
  /** Where the tables of a list start. @type {(table: number, field: number) => number[]} */
  const elements = (table, number) => {
    const place = field(table, number);
    if (place === null) return [];
    const size = view.getUint32(target(place), true);
    wellFormed(size <= file.length / 4, () => `a list of ${size} in ${file.length} bytes`);
    return Array.from({ length: size }, (_, index) => target(target(place) + 4 + 4 * index));
  };
  /** @type {(table: number, field: number) => string} */
  const text = (table, number) => {
    const start = target(field(table, number) ?? malformed(`a table without field ${number}`));
    const size = view.getUint32(start, true);
    wellFormed(start + 4 + size <= file.length, () => `a text of ${size} bytes at ${start} of ${file.length}`);
    return new TextDecoder().decode(file.subarray(start + 4, start + 4 + size));
  };
  return found(name, key, () => {
    const model = target(0);
    const entry = elements(model, METADATA).find((one) => text(one, NAME) === key);
    if (entry === undefined) return undefined;
    const index = field(entry, BUFFER);
    return text(elements(model, BUFFERS)[index === null ? 0 : view.getUint32(index, true)], DATA);
  });
}

/**
 * The same for an `.onnx` file's metadata properties.
 *
 * @param {Uint8Array} file
 * @param {string} name of the file, for errors
 * @param {string} key
 */
export function onnxText(file, name, key) {
  return found(name, key, () => {
    for (const property of fields(file)) {
      if (property.number !== PROPERTIES) continue;
      const parts = new Map([...fields(property.content)].map(({ number, content }) => [number, content]));
      const decoded = (/** @type {number} */ number) => new TextDecoder().decode(parts.get(number));
      if (decoded(KEY) === key) return decoded(VALUE);
    }
    return undefined;
  });
}

/**
 * The fields of a protocol buffer that hold bytes; numbers are passed over.
 *
 * @param {Uint8Array} bytes
 */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    for (let value = 0, factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return malformed('a number that ends too early');
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    wellFormed([0, 1, 2, 5].includes(kind), () => `a field of kind ${kind} at ${at}`);
    if (kind === 0) {
      varint();
      continue;
    }
    const size = kind === 2 ? varint() : kind === 1 ? 8 : 4;
    wellFormed(at + size <= bytes.length, () => `a field of ${size} bytes at ${at} of ${bytes.length}`);
    if (kind === 2) yield { number: Math.floor(tag / 8), content: bytes.subarray(at, at + size) };
    at += size;
  }
}

/**
 * What `read` finds. An offset out of the file is what is malformed, too.
 *
 * @param {string} name
 * @param {string} key
 * @param {() => string | undefined} read
 */
function found(name, key, read) {
  return reading(name, () => {
    try {
      return read() ?? malformed(`its metadata has no '${key}'; expected a file that \`make export\` wrote`);
    } catch (error) {
      return error instanceof RangeError ? malformed('it is no whole encoder file') : raise(error);
    }
  });
}

/**
 * @param {unknown} error
 * @returns {never}
 */
function raise(error) {
  throw error;
}
