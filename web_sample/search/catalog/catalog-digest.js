/** A catalog's bytes enter; whether they are the builder's own leaves, by the SHA-256 that stands in them. */

import { HEADER_START } from '../container.js';
import { shown, wellFormed } from '../malformed.js';

const KEY = '"sha256":"';
const DIGITS = 64;
const ZERO = '0'.charCodeAt(0);

/** The text itself, if it is a SHA-256 in lower-case hex digits; else throws `Malformed`. @param {string} text
 * @param {string} what names it in the error */
export function asDigest(text, what) {
  wellFormed(/^[0-9a-f]{64}$/.test(text), () => `${what} is ${shown(text)}, not ${DIGITS} hex digits`);
  return text;
}

/**
 * Where in the file the digits start. Throws `Malformed` where they do not stand in the header once.
 * @param {Uint8Array} header without its length
 */
export function digestPlace(header) {
  const text = new TextDecoder('latin1').decode(header); // a character a byte
  const found = text.indexOf(KEY);
  wellFormed(found >= 0 && text.indexOf(KEY, found + 1) < 0, () => `${KEY} does not stand once in the header`);
  const start = found + KEY.length;
  asDigest(text.slice(start, text.indexOf('"', start)), 'sha256');
  return HEADER_START + start;
}

/**
 * SHA-256 over the whole file, its own digits read as zeros. They are zeros in the file itself only while `digest`
 * takes its copy, which it does before it returns: a catalog may be too large for a second copy.
 * @param {Uint8Array<ArrayBuffer>} file @param {number} place
 */
export async function digestOf(file, place) {
  const own = file.slice(place, place + DIGITS);
  let digest;
  try {
    digest = crypto.subtle.digest('SHA-256', file.fill(ZERO, place, place + DIGITS));
  } finally {
    file.set(own, place);
  }
  return Array.from(new Uint8Array(await digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
