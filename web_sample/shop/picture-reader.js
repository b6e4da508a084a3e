/** A picture file enters; the square that the image encoder sees leaves, upright, in sRGB, alpha over white. */

const MOST_PIXELS = 50_000_000; // of four bytes: 200 MB, twice while it is decoded
const STRIPE = 4_000_000; // pixels: phones draw on no canvas of more than 16 million

/** A picture that cannot be searched with. */
export class PictureError extends Error {}

/**
 * Decodes with the browser's own decoder; the rest is the search module's. TIFF and JPEG 2000 are read by few browsers.
 *
 * @param {Blob} blob
 * @param {import('../search/pictures/image-preprocessor.js').ImagePreprocessor} preprocessor
 * @returns {Promise<Uint8Array>} RGB8, row by row
 */
export async function readSquare(blob, preprocessor) {
  const { pixels, width, height } = await readPixels(blob);
  return preprocessor.square(pixels, width, height, 4);
}

/**
 * All of a picture's pixels: RGBA, not premultiplied. Throws `PictureError`.
 *
 * @param {Blob} blob
 */
export async function readPixels(blob) {
  try {
    const bitmap = await createImageBitmap(blob, { premultiplyAlpha: 'none' }); // else bytes beside alpha change
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS) throw new Error(`${width} x ${height}, expected at most ${MOST_PIXELS} pixels`);
    const pixels = new Uint8ClampedArray(4 * width * height);
    const rows = Math.max(1, Math.floor(STRIPE / width));
    const canvas = new OffscreenCanvas(width, Math.min(rows, height));
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no canvas');
    for (let top = 0; top < height; top += rows) {
      context.clearRect(0, 0, width, canvas.height);
      context.drawImage(bitmap, 0, -top);
      pixels.set(context.getImageData(0, 0, width, Math.min(rows, height - top)).data, 4 * width * top);
    }
    bitmap.close();
    return { pixels, width, height };
  } catch (error) {
    throw new PictureError(`the picture cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
