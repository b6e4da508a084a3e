/** The head of a catalog that is to be made enters; where each of its tensors lies leaves, once it is laid out as one. */

import { HEADER_START } from '../search/container.js';
import { compareUtf8 } from '../search/catalog/id-order.js';
import { asArray, asInteger, asObject, asText, parse, part } from '../search/json.js';
import { wellFormed } from '../search/malformed.js';

const ALIGNMENT = 8; // bytes: spaces pad the header
const SIZES = { I64: 8, U64: 8, U32: 4, F32: 4, U16: 2, I8: 1, U8: 1 };

/** @typedef {{name: string, type: keyof typeof SIZES, shape: number[]}} Announced a tensor */

/** What a catalog's first bytes say: its length and its header. */
export class Head {
  #bytes;
  #members;

  /** Throws `Malformed` for what is no header. @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#members = asObject(parse(bytes.subarray(HEADER_START), { once: true }), 'the header');
    /** @type {Map<string, string>} */
    this.metadata = new Map(Array.from(asObject(part(this.#members, '__metadata__'), '__metadata__'),
      ([key, value]) => [key, asText(value, 'metadata')]));
  }

  /** The metadata of that name. @param {string} key */
  text(key) {
    const found = this.metadata.get(key);
    wellFormed(found !== undefined, () => `no ${key} in the result's metadata`);
    return found;
  }

  /** The first side of a tensor's shape, as it is announced. @param {string} name */
  side(name) {
    const [side] = asArray(part(asObject(part(this.#members, name), name), 'shape'), 'shape');
    return asInteger(side, 'shape');
  }

  /**
   * Throws `Malformed` unless the head is, byte for byte, that of a file of these tensors, in a file's order, and this
   * metadata.
   * @param {Announced[]} tensors
   */
  layout(tensors) {
    let end = 0;
    tensors.sort((one, other) => SIZES[other.type] - SIZES[one.type] || compareUtf8(one.name, other.name));
    const placed = tensors.map(({ name, type, shape }) => {
      const start = end;
      end += shape.reduce((product, side) => product * side, SIZES[type]);
      return { name, start, end, json: `"${name}":{"dtype":"${type}","shape":[${shape}],"data_offsets":[${start},${end}]}` };
    });
    const named = [...this.metadata].sort(([one], [other]) => compareUtf8(one, other))
      .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    const text = new TextEncoder().encode(`{"__metadata__":{${named}},${placed.map(({ json }) => json)}}`);
    const made = new Uint8Array(HEADER_START + Math.ceil(text.length / ALIGNMENT) * ALIGNMENT).fill(0x20);
    new DataView(made.buffer).setBigUint64(0, BigInt(made.length - HEADER_START), true);
    made.set(text, HEADER_START);
    const isSame = made.length === this.#bytes.length && made.every((byte, place) => byte === this.#bytes[place]);
    wellFormed(isSame, () => 'a head that is not that of the result\'s tensors');
    return new Layout(made.length, placed, end);
  }
}

/** Where the tensors of a file lie. */
class Layout {
  #start;
  #placed;

  /**
   * @param {number} start of the first tensor, in the file
   * @param {{name: string, start: number, end: number}[]} placed
   * @param {number} end of the last, from `start` on
   */
  constructor(start, placed, end) {
    this.#start = start;
    this.#placed = new Map(placed.map((one) => [one.name, one]));
    /** Of the whole file. */
    this.bytes = start + end;
  }

  /**
   * A tensor's place in the file, as numbers of that kind; of 64 bits, as halves of 32.
   *
   * @template T @param {Uint8Array} file @param {string} name
   * @param {{new (buffer: ArrayBufferLike, start: number, length: number): T, BYTES_PER_ELEMENT: number}} View @returns {T}
   */
  view(file, name, View) {
    const found = this.#placed.get(name);
    if (!found) throw new RangeError(`no tensor ${name}`);
    const { start, end } = found;
    return new View(file.buffer, file.byteOffset + this.#start + start, (end - start) / View.BYTES_PER_ELEMENT);
  }
}
