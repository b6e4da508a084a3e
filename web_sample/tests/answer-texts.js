/**
 * Texts and tokenizer assets enter on stdin, a line each; a line for each asset leaves on stdout.
 *
 * First line: a JSON list of texts. Then, for each asset: its bytes in base64. The answer is JSON: `refused`, why the
 * asset cannot be used, on opening or by the full check; `ids`, of what opens, the texts' token ids, null for a text that
 * the asset's tables would change for ever; `seconds`, how long all of this took.
 */

import { createInterface } from 'node:readline';
import { BadFileError } from '../search/malformed.js';
import { openTokenizer } from '../search/text/tokenizers.js';

/** What the work gives, or what `refusal` makes of a `BadFileError`. @template T, R @param {() => T} work
 * @param {(error: BadFileError) => R} refusal */
function attempt(work, refusal) {
  try {
    return work();
  } catch (error) {
    if (error instanceof BadFileError) return refusal(error);
    throw error;
  }
}

/** @param {Uint8Array} asset @param {string[]} texts */
function answer(asset, texts) {
  const started = performance.now();
  const found = attempt(() => {
    const tokenizer = openTokenizer(asset, 'asset');
    const refused = attempt(() => tokenizer.verify(), ({ message }) => message);
    const ids = texts.map((text) => attempt(() => [...tokenizer.encode(text)], () => null));
    return { refused, ids };
  }, ({ message }) => ({ refused: message }));
  return { ...found, seconds: (performance.now() - started) / 1e3 };
}

/** @type {string[] | undefined} */
let texts;
for await (const line of createInterface({ input: process.stdin })) {
  if (!texts) texts = /** @type {string[]} */ (JSON.parse(line));
  else console.log(JSON.stringify(answer(new Uint8Array(Buffer.from(line, 'base64')), texts)));
}
