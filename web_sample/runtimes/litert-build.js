/** A browser enters; which of LiteRT.js' two builds for the CPU it runs leaves. */

// A function that calls i8x16.relaxed_swizzle, which browsers without relaxed SIMD do not know.
const RELAXED = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 15, 1, 13, 0,
  0x41, 0, 0xfd, 15, 0x41, 0, 0xfd, 15, 0xfd, 0x80, 2, 11);
const BUILDS = ['litert_wasm_internal', 'litert_wasm_compat_internal'];

/** The names of their files: the one that this browser loads, and the other one. */
export const [used, unused] = WebAssembly.validate(RELAXED) ? BUILDS : BUILDS.reverse();
