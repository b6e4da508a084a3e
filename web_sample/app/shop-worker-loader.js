// The worker starts here, as a classic script: LiteRT.js calls importScripts, which modules do not have.
/** @type {MessageEvent[]} */
const early = [];
onmessage = (event) => early.push(event);
import('./shop-worker.js').then(({ receive }) => {
  onmessage = receive;
  early.forEach(receive);
});
