/**
 * UTF-8 bytes or a text enter; a JSON value leaves, read strictly by RFC 8259 and at most 100 deep.
 *
 * Unlike `JSON.parse` it can refuse a name that stands twice, and keeps numbers, lists and objects as they are written.
 *
 * @typedef {JsonObject | JsonArray | JsonNumber | string | boolean | null} Json
 */

import { malformed, shown, wellFormed } from './malformed.js';

const DEEPEST = 100; // the parser calls itself; the same bound as in the apps
const SPACE = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y; // what stands for itself in a text
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const ESCAPED = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y; // what may follow a backslash
const MOST = 2n ** 63n - 1n;

/** An object's members, in the order in which their names first came. @extends {Map<string, Json>} */
export class JsonObject extends Map {
  /** The object's text. */
  written = '';
}

/** A list's items. @extends {Array<Json>} */
export class JsonArray extends Array {
  /** The list's text. */
  written = '';
}

/** A number, as it is written: so a price loses no digit. */
export class JsonNumber {
  /** @param {string} written */
  constructor(written) {
    this.written = written;
  }
}

/**
 * Parses UTF-8 bytes, or a text. `once`: refuses an object with a name twice; else the last counts. Throws `Malformed`.
 *
 * @param {Uint8Array | string} content
 * @param {{once: boolean}} options
 * @returns {Json}
 */
export function parse(content, { once }) {
  return new Parser(typeof content === 'string' ? content : decoded(content), once).whole();
}

/** A byte order mark stays, and is no JSON. @param {Uint8Array} utf8 */
function decoded(utf8) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(utf8);
  } catch {
    return malformed('it is not UTF-8');
  }
}

class Parser {
  #at = 0;
  #text;
  #once;

  /** @param {string} text @param {boolean} once */
  constructor(text, once) {
    this.#text = text;
    this.#once = once;
  }

  whole() {
    const found = this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) this.#wrong();
    return found;
  }

  /** @param {number} depth @returns {Json} */
  #value(depth) {
    wellFormed(depth < DEEPEST, () => `JSON nested more than ${DEEPEST} deep`);
    this.#take(SPACE);
    const start = this.#at;
    const next = this.#peek();
    if (next === '"') return this.#string();
    if (next !== '{' && next !== '[') {
      const word = this.#take(WORD);
      return word ? JSON.parse(word) : new JsonNumber(this.#take(NUMBER) || this.#wrong());
    }
    const found = next === '{' ? this.#members(depth + 1) : this.#items(depth + 1);
    found.written = this.#text.slice(start, this.#at);
    return found;
  }

  /** @param {number} depth */
  #members(depth) {
    const found = new JsonObject();
    this.#list('}', () => {
      if (this.#peek() !== '"') this.#wrong();
      const name = this.#string();
      this.#take(SPACE);
      this.#skip(':');
      const value = this.#value(depth);
      wellFormed(!this.#once || !found.has(name), () => `the name ${shown(name)} stands twice in an object`);
      found.set(name, value);
    });
    return found;
  }

  /** @param {number} depth */
  #items(depth) {
    const found = new JsonArray();
    this.#list(']', () => found.push(this.#value(depth)));
    return found;
  }

  /** What stands between brackets, separated by commas. @param {string} end @param {() => void} item */
  #list(end, item) {
    this.#at += 1;
    this.#take(SPACE);
    for (let isFirst = true; this.#peek() !== end; isFirst = false) {
      if (!isFirst) this.#skip(',');
      this.#take(SPACE);
      item();
      this.#take(SPACE);
    }
    this.#at += 1;
  }

  #string() {
    let found = '';
    this.#at += 1;
    for (;;) {
      found += this.#take(PLAIN);
      const next = this.#peek();
      if (next < ' ') this.#wrong();
      this.#at += 1;
      if (next === '"') return found;
      found += JSON.parse(`"\\${this.#take(ESCAPED) || this.#wrong()}"`);
    }
  }

  /** Goes past what the pattern takes here, which may be nothing. @param {RegExp} pattern sticky */
  #take(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  /** @param {string} wanted */
  #skip(wanted) {
    if (this.#peek() !== wanted) this.#wrong();
    this.#at += 1;
  }

  #peek() {
    return this.#at < this.#text.length ? this.#text[this.#at] : malformed('JSON that ends too early');
  }

  /** @returns {never} */
  #wrong() {
    return malformed(`no JSON at character ${this.#at}: ${shown(this.#text.slice(this.#at, this.#at + 12))}`);
  }
}

export const asObject = only((value) => value instanceof JsonObject, 'no JSON object');
export const asArray = only((value) => value instanceof JsonArray, 'no JSON list');
export const asText = only((value) => typeof value === 'string', 'no text');
export const asBool = only((value) => typeof value === 'boolean', 'neither true nor false');

/**
 * A function that answers the value that it is given, if it is of that kind, and else throws `Malformed`: `what` names
 * the value in the error, as in the functions below.
 *
 * @template {Json} T @param {(value: Json | undefined) => value is T} isOne @param {string} otherwise
 * @returns {(value: Json | undefined, what: string) => T}
 */
function only(isOne, otherwise) {
  return (value, what) => isOne(value) ? value : malformed(`${what} is ${otherwise}`);
}

/**
 * A whole number of 64 bits, written without a fraction or an exponent. Beyond 2^53 it is rounded.
 *
 * @param {Json | undefined} value @param {string} what
 */
export function asInteger(value, what) {
  const written = value instanceof JsonNumber && /^-?[0-9]{1,19}$/.test(value.written) ? BigInt(value.written) : null;
  if (written === null || written > MOST || written < -MOST - 1n) return malformed(`${what} is no whole number`);
  return Number(written);
}

/** A finite number. @param {Json | undefined} value @param {string} what */
export function asNumber(value, what) {
  const found = value instanceof JsonNumber ? Number(value.written) : NaN;
  return Number.isFinite(found) ? found : malformed(`${what} is no finite number`);
}

/** The member of that name. @param {JsonObject} members @param {string} name */
export function part(members, name) {
  const found = members.get(name);
  return found === undefined ? malformed(`it has no ${shown(name)}`) : found;
}
