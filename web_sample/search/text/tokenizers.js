/** A tokenizer asset's bytes enter; the tokenizer of the family that it names leaves. */

import { readContainer } from '../container.js';
import { malformed, reading, shown, wellFormed } from '../malformed.js';
import { ClipTokenizer } from './clip-tokenizer.js';

/**
 * What turns a text into the ids that a text encoder takes: `contextLength` of them.
 *
 * @typedef {{readonly contextLength: number, encode(text: string): Int32Array}} TextTokenizer
 */

const FORMAT = 'mobileclip-tokenizer';
const CLIP = 'clip-bpe';
/** @type {Map<string, (container: import('../container.js').Container) => TextTokenizer>} */
const FAMILIES = new Map([[CLIP, (container) => new ClipTokenizer(container)]]);

/**
 * Reads an asset, whose bytes then must not change. Throws `BadFileError` if it is damaged, or of another format,
 * version or family.
 *
 * @param {Uint8Array} bytes @param {string} name for errors
 */
export function openTokenizer(bytes, name) {
  return reading(name, () => {
    const container = readContainer(bytes, name);
    const family = familyOf(container);
    const known = [...FAMILIES.keys()].map((one) => `'${one}'`).join(' or ');
    const make = FAMILIES.get(family)
      ?? malformed(`unknown tokenizer family: expected ${known}, found ${shown(family)}`);
    return make(container);
  });
}

/** Version 1 names none: it is CLIP's. @param {import('../container.js').Container} container */
function familyOf(container) {
  const { format = 'none', version = 'none' } = container.metadata;
  if (format === FORMAT && version === '1') return CLIP;
  wellFormed(format === FORMAT && version === '2', () =>
    `unknown tokenizer asset: expected ${FORMAT} version 1 or 2, found ${shown(`${format} version ${version}`)}`);
  return container.text('family');
}
