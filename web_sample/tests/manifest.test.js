/** Manifests, right and wrong, enter; whether they are read or refused by name leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadFileError } from '../search/malformed.js';
import { readManifest } from '../search/manifest.js';
import { ImagePreprocessor } from '../search/pictures/image-preprocessor.js';

const HEX = 'ab'.repeat(32);
const GOOD = `{"version": 1, "model": "demo", "space": "${HEX}", "embedding": {"dim": 128}, "logit_scale": 20.5,
  "image": {"width": 64, "height": 64, "crop": "centre",
    "resize": {"mode": "shortest", "interpolation": "bicubic", "antialias": true}},
  "text": {"context_length": 77, "start_token": 49406, "end_token": 49407, "pad_token": 0, "family": "clip-bpe",
    "pooling": "end", "tokenizer": {"path": "tokenizer.safetensors", "sha256": "${HEX}"},
    "templates": ["{}", "a photo of a {}."], "scripts": ["Latin", "Han"]},
  "licence": {"name": "MIT", "url": "https://example.org", "commercial_use": null, "source": "row"},
  "weights": {"kind": "random", "sha256": null}, "shippable": false, "later": [{}],
  "artifacts": [
    {"encoder": "image", "format": "tflite", "precision": "fp32", "path": "tflite/a.tflite", "sha256": "${HEX}",
      "bytes": 5000000000, "peak_rss": null},
    {"encoder": "image", "format": "tflite", "precision": "fp16", "path": "tflite/b.tflite", "sha256": "${HEX}",
      "bytes": 7}
  ], "catalog": {"path": "shop.catalog", "digest": "${HEX}", "bytes": 6000000000}}`;

/** @param {string} json */
function read(json) {
  return readManifest(new TextEncoder().encode(json), 'a manifest');
}

/**
 * @param {string} json
 * @param {string} says
 */
function refused(json, says) {
  assert.throws(() => read(json), (error) => {
    assert.ok(error instanceof BadFileError, `${error}`);
    assert.match(error.message, /^a manifest: .{5,}$/);
    assert.ok(error.message.includes(says), `'${says}' in ${error.message}`);
    return true;
  });
}

/**
 * @param {string | RegExp} old
 * @param {string} new_
 * @param {string} says
 */
function refusedWith(old, new_, says) {
  const json = GOOD.replace(old, new_);
  assert.notEqual(json, GOOD, `${old}`);
  refused(json, says);
}

test('a manifest gives what an app needs', () => {
  const made = read(GOOD);
  assert.deepEqual([made.model, made.space, made.dim, made.logitScale, made.logitBias, made.labels, made.shippable],
    ['demo', HEX, 128, 20.5, null, 'softmax', false]);
  assert.deepEqual(made.image, { size: 64, interpolation: 'bicubic', mode: 'shortest' });
  assert.deepEqual(made.text, { contextLength: 77, startToken: 49406, endToken: 49407, padToken: 0,
    vocabulary: 49408, templates: ['{}', 'a photo of a {}.'], scripts: ['Latin', 'Han'] });
  assert.deepEqual(made.tokenizer, { path: 'tokenizer.safetensors', sha256: HEX });
  assert.deepEqual(made.licence, { name: 'MIT', url: 'https://example.org', commercialUse: null });
  assert.deepEqual(made.artifacts[0], { encoder: 'image', format: 'tflite', precision: 'fp32', path: 'tflite/a.tflite',
    sha256: HEX, bytes: 5_000_000_000 });
  assert.equal(new ImagePreprocessor(made.image).size, 64);
});

test('a picture may be squashed, and then nothing is cropped', () => {
  const squashed = GOOD.replace('shortest', 'squash');
  assert.equal(read(squashed.replace('centre', 'none')).image.mode, 'squash');
  refused(squashed, 'expected \'none\', found \'centre\'');
});

test('the catalog that came with the encoders is named, or none is', () => {
  assert.deepEqual(read(GOOD).catalog, { path: 'shop.catalog', digest: HEX, bytes: 6_000_000_000 });
  assert.equal(read(GOOD.replace('"catalog":', '"other":')).catalog, null);
  refusedWith('"digest": "ab', '"digest": "AB', 'digest');
  refusedWith('6000000000', '0', 'bytes');
  refusedWith(/"catalog": .*$/, '"catalog": null}', 'catalog');
  for (const path of ['/a', '../a', '']) refusedWith('shop.catalog', path, 'path');
});

/** The templates of GOOD by language. @param {string} lists */
function withTemplates(lists) {
  return GOOD.replace('["{}", "a photo of a {}."]', lists);
}

test('templates are those of the language, else of English, else of the first by its bytes', () => {
  const made = read(withTemplates('{"zh": ["\u4e00\u5f20{}"], "en": ["a {}", "{}"], "de": ["ein {}"]}'));
  assert.deepEqual(made.text.templates, ['a {}', '{}']);
  assert.deepEqual(['de', 'zh', 'fr', undefined].map((language) => made.templates(language)[0]),
    ['ein {}', '\u4e00\u5f20{}', 'a {}', 'a {}']);
  const others = read(withTemplates('{"\ud83d\udc57": ["1 {}"], "\uff21": ["2 {}"], "zh": ["3 {}"], "Z": ["4 {}"]}'));
  assert.deepEqual([others.text.templates, others.templates('en'), others.templates('zh')],
    [['4 {}'], ['4 {}'], ['3 {}']]);
  assert.deepEqual(read(withTemplates('{"\ud83d\udc57": ["1 {}"], "\uff21": ["2 {}"]}')).text.templates, ['2 {}']);
  assert.deepEqual(read(GOOD).templates('zh'), ['{}', 'a photo of a {}.']);
  for (const [lists, says] of [['[]', 'templates'], ['{}', 'templates'], ['{"en": ["{}"], "zh": []}', 'templates'],
    ['{"en": "{}"}', 'templates'], ['{"en": ["{}"], "zh": ["photo"]}', '\'photo\''], ['{"en": [1]}', 'templates'],
    ['"{}"', 'templates']]) refused(withTemplates(lists), says);
});

test('labels may get their shares by a sigmoid, with a bias', () => {
  const made = read(GOOD.replace('"logit_scale"', '"logit_bias": -12.5, "labels": "sigmoid", "logit_scale"'));
  assert.deepEqual([made.logitBias, made.labels], [-12.5, 'sigmoid']);
  assert.equal(read(GOOD.replace('"logit_scale"', '"logit_bias": null, "logit_scale"')).logitBias, null);
  refusedWith('"logit_scale"', '"logit_bias": "1", "logit_scale"', 'logit_bias');
  refusedWith('"logit_scale"', '"logit_bias": 1e999, "logit_scale"', 'logit_bias');
  refusedWith('"logit_scale"', '"labels": "tanh", "logit_scale"',
    'unknown labels: expected \'softmax\' or \'sigmoid\', found \'tanh\'');
  refusedWith('"logit_scale"', '"labels": null, "logit_scale"', 'labels');
});

test('a text encoder may know more tokens than up to its end token', () => {
  assert.equal(read(GOOD.replace('"family"', '"vocabulary": 256000, "family"')).text.vocabulary, 256_000);
  for (const count of ['0', '-1', '"8"', '1.5', 'null']) {
    refusedWith('"family"', `"vocabulary": ${count}, "family"`, 'vocabulary');
  }
});

test('a text may have no start token', () => {
  for (const start of ['"start_token": null,', '']) {
    assert.equal(read(GOOD.replace('"start_token": 49406,', start)).text.startToken, null);
  }
});

test('the first artefact is given, and one that is not there is refused by name', () => {
  assert.equal(read(GOOD).artifact('tflite', 'image').precision, 'fp32');
  for (const [format, encoder] of /** @type {const} */ ([['tflite', 'text'], ['onnx', 'image']])) {
    assert.throws(() => read(GOOD).artifact(format, encoder), (/** @type {any} */ error) =>
      error instanceof BadFileError && error.kind === 'mismatched' && error.message.startsWith('a manifest: ')
      && error.message.includes(`no ${encoder} encoder in ${format}`) && error.message.includes('tflite image fp16'));
  }
});

test('another preprocessing or version is refused by name', () => {
  refusedWith('"version": 1', '"version": 2', 'version 2');
  refusedWith('shortest', 'longest', '\'longest\'');
  refusedWith('bicubic', 'nearest', '\'nearest\'');
  refusedWith('"antialias": true', '"antialias": false', 'antialias');
  refusedWith('centre', 'none', '\'none\'');
  refusedWith('"height": 64', '"height": 65', '64 x 65');
});

test('every part is checked', () => {
  const keys = 'version model space embedding dim logit_scale image width height resize mode interpolation antialias '
    + 'crop text context_length end_token pad_token tokenizer path sha256 templates scripts licence name url '
    + 'commercial_use shippable artifacts encoder format precision bytes';
  for (const key of keys.split(' ')) {
    refusedWith(`"${key}":`, '"other":', `'${key}'`);
    refusedWith(`"${key}":`, `"${key}": {"x": 1.5}, "x":`, '');
  }
  refusedWith('"space": "ab', '"space": "AB', '64 hex digits');
  for (const dim of ['0', '-1', '1.0', '"128"', '99999999999']) refusedWith('"dim": 128', `"dim": ${dim}`, 'dim');
  refusedWith('"width": 64', '"width": 5000', 'width');
  for (const key of ['start_token', 'end_token', 'pad_token']) refusedWith(`"${key}": `, `"${key}": -1`, key);
  refusedWith('"pad_token": 0', '"pad_token": 4294967296', 'pad_token');
  refusedWith('20.5', '1e999', 'logit_scale');
  refusedWith('a photo of a {}.', 'a photo', '\'a photo\'');
  refusedWith('"encoder": "image"', '"encoder": "sound"', '\'sound\'');
  refusedWith('"bytes": 7', '"bytes": 0', 'bytes');
  for (const path of ['/a', '../a', 'a/../b', '', 'a//b', 'a\\\\b']) refusedWith('tflite/b.tflite', path, 'path');
  refusedWith('"model": "demo"', '"model": "demo", "model": "s0"', 'twice');
});

test('what is no manifest is refused by name', () => {
  for (const json of ['', '[]', 'null', GOOD.slice(0, -1), `${GOOD},`, `\ufeff${GOOD}`]) refused(json, '');
  assert.throws(() => readManifest(Uint8Array.of(255), 'a manifest'), BadFileError);
});
