// Golden texts, those that Python made anew, and damaged assets enter; whether each id is open_clip's leaves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readContainer } from '../search/container.js';
import { BadFileError } from '../search/malformed.js';
import { ClipTokenizer } from '../search/text/clip-tokenizer.js';
import { openTokenizer } from '../search/text/tokenizers.js';
import { dist } from './dist.js';
import { edited } from './made-container.js';
import { expected, goldens, random } from './vectors.js';

const asset = dist.bytes('tokenizer.safetensors');
const tokenizer = openTokenizer(asset, 'tokenizer');
const V1 = '"version":"1"';
const FAULTS = 60;
const END = 49407;

for (const vectors of expected ? [goldens, expected] : [goldens]) {
  for (const name of ['tokens.json', 'tokens-32.json']) {
    test(`${vectors === goldens ? 'golden' : 'new'} texts of ${name} have open_clip's ids`, (context) => {
      const { texts, context_length: length, pad_token: pad } = vectors.json(name);
      const own = openTokenizer(withLength(length), name);
      const differing = texts.filter((/** @type {{text: string, ids: number[]}} */ { text, ids }) =>
        own.encode(text).some((id, place) => id !== (ids[place] ?? pad)));
      context.diagnostic(`${texts.length} texts (${name}), differing ids: ${differing.length}`);
      assert.equal(own.contextLength, length);
      assert.ok(texts.length > 0);
      assert.deepEqual(differing, []);
    });
  }
}

/** The asset for another context length. @param {number} length */
function withLength(length) {
  const now = `"context_length":"${tokenizer.contextLength}"`;
  return edited(asset, now, `"context_length":"${length}"`);
}

test('ids are int32, and too many are cut before the end token', () => {
  const [short, long] = ['a photo', 'dress '.repeat(200)].map((text) => tokenizer.encode(text));
  assert.deepEqual(short.slice(0, 5), Int32Array.of(49406, 320, 1125, END, 0));
  assert.deepEqual([short.length, long.length, long[0], long[long.length - 1]],
    [tokenizer.contextLength, tokenizer.contextLength, 49406, END]);
  assert.equal(long.indexOf(END), long.length - 1);
  for (const length of [2, 3]) {
    assert.deepEqual([...openTokenizer(withLength(length), 'short').encode('a photo')],
      [49406, 320, END].filter((id) => length > 2 || id !== 320));
  }
});

test('what one step leaves, the next takes', () => {
  for (const [text, same] of [['\ud83d&#xfdd0;\udc57', '\ud83d\udc57'], ['\ud83d\x00\udc57', '\ufffd\ufffd'],
    ['&amp&#59;lt;', '&;lt;'], ['e\u0302\u0323', '\u1ec7']]) {
    assert.deepEqual(tokenizer.encode(text), tokenizer.encode(same), JSON.stringify(text));
  }
  assert.notDeepEqual(tokenizer.encode('a\u0310\u0301'), tokenizer.encode('\u00e1\u0310')); // a mark is between
});

test('texts of 300,000 characters are done', { timeout: 120_000 }, () => {
  for (const piece of ['x', 'ab', '\u0301\u0323', 'dress ', '&amp', '&#1', "\u03a3'", '\x1b[;', '\ud83d', "'",
    '1', '\n']) {
    assert.ok(tokenizer.encode(piece.repeat(300_000 / piece.length)).includes(END), piece);
  }
});

test('version 1 is CLIP\'s, version 2 names its family', () => {
  const text = 'a photo of a r\u00e9d dress';
  for (const version of [V1, '"version":"2","family":"clip-bpe"']) {
    const made = openTokenizer(edited(asset, V1, version), 'named');
    assert.ok(made instanceof ClipTokenizer);
    assert.deepEqual(made.encode(text), tokenizer.encode(text));
  }
});

test('an asset with more tokens than the encoder knows is refused', () => {
  assert.equal(openTokenizer(asset, 'a.bin', END + 1).contextLength, tokenizer.contextLength);
  assert.throws(() => openTokenizer(asset, 'a.bin', END), { name: 'BadFileError', kind: 'mismatched',
    message: `a.bin: ${END + 1} tokens, the text encoder knows ${END}` });
});

/** @param {() => unknown} work @param {RegExp} says */
function refused(work, says) {
  assert.throws(work, (error) => error instanceof BadFileError && error.kind === 'damaged'
    && /^a\.bin: [^\n]*$/.test(error.message) && says.test(error.message));
}

test('another format, version or family is refused by name', () => {
  for (const [before, after, says] of /** @type {[string, string, RegExp][]} */ ([
    [V1, '"version":"3","family":"clip-bpe"', /found 'mobileclip-tokenizer version 3'/],
    ['mobileclip-tokenizer', 'mobileclip-catalog', /found 'mobileclip-catalog version 1'/],
    [`,${V1}`, '', /found 'mobileclip-tokenizer version none'/],
    [V1, '"version":"2","family":"letters"', /expected 'clip-bpe' or 'unigram' or .*, found 'letters'/],
    [V1, '"version":"2","family":"wordpiece"', /no tensor 'pieces'/],
    [V1, '"version":"2","family":"toString"', /found 'toString'/],
    [V1, '"version":"2"', /no 'family'/],
    ['"pad_token":"0"', '"pad_token":" 0"', /pad_token is ' 0'/],
    ['"end_token":"49407"', '"end_token":"65536"', /end_token is '65536'/],
    ['"context_length":"77"', '"context_length":"1"', /context_length is '?1/],
    ['"start_text"', '"other_text"', /no 'start_text'/],
    ['"charrefs_keys"', '"other"', /no tensor 'charrefs_keys'/],
  ])) refused(() => openTokenizer(edited(asset, before, after), 'a.bin'), says);
});

/** A copy of the asset whose tensor has `changes` in place of its first elements. @param {string} name
 * @param {'U8' | 'U16' | 'U32'} type @param {number[]} shape @param {number[]} changes */
function changed(name, type, shape, ...changes) {
  const copy = asset.slice();
  readContainer(copy, 'copy').tensor(name, type, ...shape).set(changes);
  return copy;
}

test('tables that are out of order, or beyond what there is, are refused', () => {
  for (const [says, file] of /** @type {[RegExp, Uint8Array][]} */ ([
    [/the ranges of 'letters' are out of order/, changed('letters', 'U32', [-1, 2], 70, 65)],
    [/the ranges of 'combining' are out of order/, changed('combining', 'U32', [-1, 3], 0x110000, 0x110000)],
    [/the keys of 'lower' are out of order/, changed('lower_keys', 'U32', [-1], 66, 65)],
    [/'lower' has a code point beyond U\+10FFFF/, changed('lower_values', 'U32', [-1], 0x110000)],
    [/'compositions' has a code point beyond/, changed('compositions', 'U32', [-1, 3], 0xffffffff)],
    [/the offsets of 'fold' do not rise/, changed('fold_offsets', 'U32', [-1], 1)],
    [/the offsets of 'html' do not rise/, changed('html_name_offsets', 'U32', [-1], 0, 9, 3)],
    [/a value of 'html' has \d+ code points/, changed('html_offsets', 'U32', [-1], 0, ...lastOf('html_offsets'))],
    [/the names of 'html' are not ASCII/, changed('html_names', 'U8', [-1], 200)],
    [/merge 0 is of tokens that do not exist yet/, changed('merges', 'U16', [-1, 2], 512)],
    [/a byte's token is 256/, changed('byte_ids', 'U16', [256], 256)],
  ])) refused(() => openTokenizer(file, 'a.bin'), says);
});

/** All offsets but the first, with the last offset's value. @param {string} name */
function lastOf(name) {
  const offsets = readContainer(asset, 'asset').tensor(name, 'U32', -1);
  return new Array(offsets.length - 1).fill(offsets[offsets.length - 1]);
}

test('tables that change a text for ever are refused', () => {
  const copy = asset.slice();
  const container = readContainer(copy, 'copy');
  const keys = container.tensor('fold_keys', 'U32', -1);
  const [offsets, values] = [container.tensor('fold_offsets', 'U32', -1), container.tensor('fold_values', 'U32', -1)];
  for (const [point, other] of [[0xff21, 0xff22], [0xff22, 0xff21]]) values[offsets[keys.indexOf(point)]] = other;
  const made = openTokenizer(copy, 'a.bin');
  assert.equal(made.encode('x').length, tokenizer.contextLength);
  refused(() => made.encode('\uff21'), /for ever/);
});

test('a damaged asset is refused, or reads texts without another exception', { timeout: 120_000 }, () => {
  const [below, head] = [random(3), 8 + readContainer(asset, 'asset').header.length];
  const texts = ['a photo of a r\u00e9d <b>dress</b>', '&amp;amp;lt; &#39; \uff21\ufb01 \u039f\u03a3',
    "it's \u1112\u1161\u11ab 3 \ud83d\udc57\ud83d"];
  let count = 0;
  for (let fault = 0; fault < FAULTS; fault += 1) {
    const file = asset.slice();
    for (let change = below(200); change >= 0; change -= 1) {
      file[below(20) === 0 ? below(head) : head + below(200_000)] = below(256);
    }
    try {
      const made = openTokenizer(file, 'a.bin');
      for (const text of texts) assert.equal(made.encode(text).length, made.contextLength);
    } catch (error) {
      assert.ok(error instanceof BadFileError && /^a\.bin: [^\n]*$/.test(error.message), String(error));
      count += 1;
    }
  }
  assert.ok(count > FAULTS / 4, `${count} refused`);
});
