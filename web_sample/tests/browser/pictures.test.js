// Picture files and the pixels that Python decodes of them enter; whether the page's pixels are the same leaves. PICTURES names
// a folder with index.json: `pictures`, each with `file`, and `rgb`, a file of RGB8 [height, width, 3], alpha over white.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { env, launch, serve, visit } from './site.js';

test('every picture gives Python\'s bytes', async (context) => {
  const folder = env('PICTURES');
  const { pictures } = JSON.parse(await readFile(`${folder}/index.json`, 'utf8'));
  const browser = await launch();
  const site = await serve(env('SITE'));
  const { page } = await visit(browser, site.url, { serviceWorkers: 'block' });
  const different = [];
  for (const { file, rgb, width, height } of pictures) {
    const found = await page.evaluate(decoded, (await readFile(`${folder}/${file}`)).toString('base64'));
    const wanted = await readFile(`${folder}/${rgb}`);
    const bytes = Buffer.from(found.rgb, 'base64');
    const isSame = found.width === width && found.height === height && wanted.equals(bytes);
    if (!isSame) different.push(`${file}: ${found.width} x ${found.height}, ${differing(wanted, bytes)} of ${wanted.length} bytes`);
  }
  await browser.close();
  site.close();
  context.diagnostic(`${pictures.length} pictures, ${different.length} of other bytes`);
  assert.ok(pictures.length > 0);
  assert.deepEqual(different, []);
});

/** Runs in the page. @param {string} base64 */
async function decoded(base64) {
  /** @type {typeof import('../../shop/picture-reader.js')} */
  const { readPixels } = await import(new URL('../shop/picture-reader.js', location.href).href);
  const blob = new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]);
  const { pixels, width, height } = await readPixels(blob);
  const over = (/** @type {number} */ colour, /** @type {number} */ alpha) => Math.floor((colour * alpha + 255 * (255 - alpha)) / 255 + 0.5);
  let text = '';
  for (let at = 0; at < pixels.length; at += 4) {
    for (let channel = 0; channel < 3; channel++) text += String.fromCharCode(over(pixels[at + channel], pixels[at + 3]));
  }
  return { rgb: btoa(text), width, height };
}

/**
 * @param {Buffer} one
 * @param {Buffer} other
 */
function differing(one, other) {
  return one.reduce((count, byte, place) => count + Number(byte !== other[place]), 0);
}
