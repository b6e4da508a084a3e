// The shop's worker starts here: a classic one, since LiteRT.js calls importScripts, and beside sw.js, which sees no other.
/** @type {MessageEvent[]} */
const early = [];
onmessage = (event) => early.push(event);
import('../shop/shop-worker.js').then(({ receive }) => {
  onmessage = receive;
  early.forEach(receive);
});
