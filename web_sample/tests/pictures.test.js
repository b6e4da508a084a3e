// Golden pictures, and those that Python made anew, enter; whether each byte is Pillow's leaves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImagePreprocessor, MOST_PIXELS } from '../search/pictures/image-preprocessor.js';
import { squares } from './golden-answers.js';
import { expected, goldens, random } from './vectors.js';

const FOLDERS = ['preprocess', 'squash'];
const KINDS = /** @type {const} */ (['bilinear', 'bicubic']);
const MODES = /** @type {const} */ (['shortest', 'squash']);

for (const vectors of expected ? [goldens, expected] : [goldens]) {
  for (const folder of FOLDERS) {
    test(`${vectors === goldens ? 'golden' : 'new'} pictures of ${folder} give Pillow's bytes`, async (context) => {
      const { count, wrong } = await squares(vectors, folder);
      assert.ok(count > 0);
      assert.deepEqual(wrong, []);
      context.diagnostic(`${count} pictures (${folder}), differing bytes: 0`);
    });
  }
}

test('a picture of the encoder\'s size stays as it is', () => {
  const rgb = noise(3 * 24 * 24);
  for (const interpolation of KINDS) {
    for (const mode of MODES) {
      assert.deepEqual(new ImagePreprocessor({ size: 24, interpolation, mode }).square(rgb, 24, 24), rgb);
    }
  }
});

test('a picture of one colour keeps it whatever its shape', () => {
  const shapes = [[1, 1], [1, 8000], [8000, 1], [3, 300_000], [300_000, 3], [1, 30_000_000], [4000, 3000], [31, 17]];
  for (const [width, height] of shapes) keepsItsColour(48, 'shortest', width, height);
});

test('a squashed picture of one colour keeps it as far as a side may be 4,096 times as long as it becomes', () => {
  for (const size of [1, 7, 48]) {
    const most = 4096 * size;
    for (const [width, height] of [[1, most], [most, 1], [most, 3], [most - 1, 2], [31, 17]]) {
      keepsItsColour(size, 'squash', width, height);
    }
    for (const [width, height] of [[1, most + 1], [most + 1, 1]]) {
      const preprocessor = new ImagePreprocessor({ size, interpolation: 'bilinear', mode: 'squash' });
      assert.throws(() => preprocessor.square(new Uint8Array(3 * width * height), width, height),
        new RangeError(`an image of ${width} x ${height}, expected at most ${most} x ${most}`));
    }
  }
});

test('what is no picture is refused', () => {
  const preprocessor = new ImagePreprocessor({ size: 8, interpolation: 'bilinear' });
  const none = [[12, 2, 1, 3], [0, 0, 0, 3], [3, -1, -1, 3], [6, 2, 1, 4], [6, 1, 1, 6], [3, 0.5, 2, 3],
    [0, MOST_PIXELS, 2, 3], [0, 65_536, 65_536, 3]];
  for (const [bytes, width, height, channels] of none) {
    assert.throws(() => preprocessor.square(new Uint8Array(bytes), width, height, channels), RangeError);
  }
  for (const wrong of [{ size: 0 }, { size: 4097 }, { size: 1.5 }, { interpolation: 'nearest' }, { mode: 'longest' }]) {
    const spec = /** @type {any} */ ({ size: 8, interpolation: 'bilinear', mode: 'squash', ...wrong });
    assert.throws(() => new ImagePreprocessor(spec), RangeError);
  }
});

test('alpha is laid over white before the resize', () => {
  const rgba = new Uint8Array(4 * 256 * 256);
  for (let place = 0; place < 256 * 256; place++) rgba.set([place & 255, 7, 255, place >> 8], 4 * place);
  const found = new ImagePreprocessor({ size: 256, interpolation: 'bicubic' }).square(rgba, 256, 256, 4);
  for (let place = 0; place < 256 * 256; place++) {
    const [colour, alpha] = [place & 255, place >> 8];
    const over = [colour, 7, 255].map((c) => Math.round((c * alpha + 255 * (255 - alpha)) / 255));
    assert.deepEqual([...found.subarray(3 * place, 3 * place + 3)], over);
  }
});

test('a picture with alpha gives the square of the picture over white, in both orders of the passes', () => {
  for (const [width, height] of [[50, 31], [31, 90], [90, 31], [17, 17]]) {
    const rgba = noise(4 * width * height);
    const rgb = new Uint8Array(3 * width * height);
    for (let place = 0; place < rgb.length; place++) {
      const pixel = 4 * Math.floor(place / 3);
      const alpha = rgba[pixel + 3];
      rgb[place] = Math.round((rgba[pixel + place % 3] * alpha + 255 * (255 - alpha)) / 255);
    }
    for (const interpolation of KINDS) {
      const preprocessor = new ImagePreprocessor({ size: 24, interpolation });
      const clamped = new Uint8ClampedArray(rgba);
      assert.deepEqual(preprocessor.square(clamped, width, height, 4), preprocessor.square(rgb, width, height));
    }
  }
});

/** @param {number} length */
function noise(length) {
  const next = random(length);
  return Uint8Array.from({ length }, () => next(256));
}

/**
 * @param {number} size
 * @param {'shortest' | 'squash'} mode
 * @param {number} width
 * @param {number} height
 */
function keepsItsColour(size, mode, width, height) {
  for (const colour of [199, 255]) {
    const rgb = new Uint8Array(3 * width * height).fill(colour);
    const square = new ImagePreprocessor({ size, interpolation: 'bicubic', mode }).square(rgb, width, height);
    assert.equal(square.length, 3 * size * size);
    assert.ok(square.every((byte) => byte === colour), `${width} x ${height}`);
  }
}
