/**
 * A safetensors file's bytes enter; its metadata and its tensors leave, every offset, shape and type checked.
 *
 * The file: an 8-byte little-endian header length, a JSON header, raw little-endian tensors. Tensors of an unknown type
 * are passed over, but lie within the file too.
 */

import { JsonObject, asArray, asInteger, asObject, asText, parse, part } from './json.js';
import { malformed, reading, shown, wellFormed } from './malformed.js';

/** In a shape: any length. */
export const ANY = -1;
/** Where the header starts, after its length. */
export const HEADER_START = 8;
const ALIGNMENT = 8; // bytes: the largest element
const MOST_HEADER = 1 << 20;
const MOST_BYTES = 2 ** 31 - 1; // of a tensor
const TYPES = {
  U8: Uint8Array, I8: Int8Array, U16: Uint16Array, I16: Int16Array, U32: Uint32Array, I32: Int32Array,
  F32: Float32Array, U64: BigUint64Array, I64: BigInt64Array, F64: Float64Array,
};

/** @typedef {keyof typeof TYPES} TensorType */
/** @typedef {{name: string, type: string, shape: number[], start: number, end: number}} Entry bytes after the header */

/**
 * Reads a whole file. The tensors are views of `bytes`, which is copied only if it does not start at a multiple of 8 of
 * its buffer. Throws `BadFileError`.
 *
 * @param {Uint8Array} bytes
 * @param {string} name for errors
 */
export function readContainer(bytes, name) {
  return reading(name, () => {
    const file = bytes.byteOffset % ALIGNMENT === 0 ? bytes : bytes.slice();
    const header = headerOf(file);
    const members = asObject(parse(header, { once: true }), 'the header');
    /** @type {Record<string, string>} */
    const metadata = Object.create(null);
    const named = members.get('__metadata__') ?? (members.has('__metadata__') ? null : new JsonObject());
    for (const [key, value] of asObject(named, '__metadata__')) metadata[key] = asText(value, `metadata ${shown(key)}`);
    members.delete('__metadata__');
    const entries = [...members].map(([key, value]) => entry(key, value));
    const data = file.subarray(HEADER_START + header.length);
    return new Container(name, metadata, header, data, placed(entries, data.length));
  });
}

/** What `readContainer` found. */
export class Container {
  /**
   * @param {string} name
   * @param {Record<string, string>} metadata
   * @param {Uint8Array} header without its length
   * @param {Uint8Array} data all that follows the header
   * @param {Map<string, Entry>} entries
   */
  constructor(name, metadata, header, data, entries) {
    this.name = name;
    this.metadata = metadata;
    this.header = header;
    this.data = data;
    this.entries = entries;
  }

  /** @param {string} name */
  has(name) {
    return this.entries.has(name);
  }

  /** The value of a key of the metadata. Throws `BadFileError` where it is missing. @param {string} key */
  text(key) {
    return reading(this.name, () => this.metadata[key] ?? malformed(`its metadata has no ${shown(key)}`));
  }

  /**
   * A view of a tensor of that type and shape (`ANY`: any length). Throws `BadFileError`.
   *
   * @template {TensorType} T
   * @param {string} name
   * @param {T} type
   * @param {...number} shape
   * @returns {InstanceType<(typeof TYPES)[T]>}
   */
  tensor(name, type, ...shape) {
    return reading(this.name, () => {
      const found = this.entries.get(name) ?? malformed(`it has no tensor ${shown(name)}`);
      const fits = found.type === type && found.shape.length === shape.length
        && shape.every((side, axis) => side === ANY || side === found.shape[axis]);
      wellFormed(fits, () => `${shown(name)} is ${shown(found.type)} [${found.shape}], not ${type} [${shape}]`);
      const length = found.end - found.start;
      wellFormed(length <= MOST_BYTES, () => `${shown(name)} has more than ${MOST_BYTES} bytes`);
      const View = /** @type {any} */ (TYPES[type]);
      return new View(this.data.buffer, this.data.byteOffset + found.start, length / View.BYTES_PER_ELEMENT);
    });
  }
}

/** The bytes of the header. @param {Uint8Array} file */
function headerOf(file) {
  wellFormed(file.length >= HEADER_START, () => `a file of ${file.length} bytes, too short for a header`);
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  const most = BigInt(Math.min(MOST_HEADER, file.length - HEADER_START));
  wellFormed(length >= 2n && length <= most && length % BigInt(ALIGNMENT) === 0n, () =>
    `a header of ${length} bytes in a file of ${file.length}; expected a multiple of ${ALIGNMENT}, at most `
    + `${MOST_HEADER}, within the file`);
  return file.subarray(HEADER_START, HEADER_START + Number(length));
}

/** @param {string} name @param {import('./json.js').Json} json @returns {Entry} */
function entry(name, json) {
  const members = asObject(json, `tensor ${shown(name)}`);
  /** @param {string} key */
  const numbers = (key) => {
    const what = `${key} of ${shown(name)}`;
    return Array.from(asArray(part(members, key), what), (item) => {
      const number = asInteger(item, what);
      wellFormed(number >= 0, () => `${what} below 0`);
      return number;
    });
  };
  const offsets = numbers('data_offsets');
  wellFormed(offsets.length === 2, () => `data_offsets of ${shown(name)} are not two`);
  const type = asText(part(members, 'dtype'), `dtype of ${shown(name)}`);
  return { name, type, shape: numbers('shape'), start: offsets[0], end: offsets[1] };
}

/**
 * The entries of known types by name. All entries together must fill the data without gap or overlap.
 *
 * @param {Entry[]} entries @param {number} bytes of the data
 */
function placed(entries, bytes) {
  /** @type {Map<string, Entry>} */
  const found = new Map();
  let position = 0;
  for (const one of entries.sort((a, b) => a.start - b.start || a.end - b.end)) {
    const { name, type, shape, start, end } = one;
    wellFormed(start === position && end >= start && end <= bytes, () =>
      `${shown(name)} does not fit: bytes ${start} to ${end}, expected from ${position}, at most to ${bytes}`);
    position = end;
    if (!Object.hasOwn(TYPES, type)) continue;
    const size = TYPES[/** @type {TensorType} */ (type)].BYTES_PER_ELEMENT;
    const holds = shape.includes(0) ? 0 : shape.reduce((product, side) => product * side, size);
    wellFormed(end - start === holds && start % size === 0, () =>
      `${shown(name)} does not fit: bytes ${start} to ${end} for ${type} [${shape}]`);
    found.set(name, one);
  }
  wellFormed(position === bytes, () => `${bytes - position} bytes that belong to no tensor`);
  return found;
}
