;; Codes and a query in one memory enter; the exact sum of code x query of each row leaves, int32, in the same memory.
;; A quick way of `sumsPlainly` in scan.js, whose arguments it takes. scan.wasm is this file, assembled by wat2wasm.
(module
  (import "catalog" "memory" (memory 1))
  (func (export "sums") (param $query i32) (param $codes i32) (param $dim i32) (param $rows i32) (param $sums i32)
    (local $at i32) (local $quick i32) (local $end i32) (local $sum i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $quick                        ;; where the whole turns of 32 numbers end in the query, an int16 each
      (i32.add (local.get $query) (i32.shl (i32.and (local.get $dim) (i32.const -32)) (i32.const 1))))
    (local.set $end (i32.add (local.get $query) (i32.shl (local.get $dim) (i32.const 1))))
    (block $done (loop $row
      (br_if $done (i32.eqz (local.get $rows)))
      (local.set $at (local.get $query))
      (local.set $a (v128.const i32x4 0 0 0 0)) (local.set $b (v128.const i32x4 0 0 0 0))
      (local.set $c (v128.const i32x4 0 0 0 0)) (local.set $d (v128.const i32x4 0 0 0 0))
      (block $turned (loop $turn             ;; 32 codes, in four sums that do not wait for one another
        (br_if $turned (i32.ge_u (local.get $at) (local.get $quick)))
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s
          (v128.load8x8_s (local.get $codes)) (v128.load (local.get $at)))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s
          (v128.load8x8_s offset=8 (local.get $codes)) (v128.load offset=16 (local.get $at)))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s
          (v128.load8x8_s offset=16 (local.get $codes)) (v128.load offset=32 (local.get $at)))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s
          (v128.load8x8_s offset=24 (local.get $codes)) (v128.load offset=48 (local.get $at)))))
        (local.set $codes (i32.add (local.get $codes) (i32.const 32)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $turn)))
      (local.set $a (i32x4.add (i32x4.add (local.get $a) (local.get $b)) (i32x4.add (local.get $c) (local.get $d))))
      (local.set $sum (i32.add
        (i32.add (i32x4.extract_lane 0 (local.get $a)) (i32x4.extract_lane 1 (local.get $a)))
        (i32.add (i32x4.extract_lane 2 (local.get $a)) (i32x4.extract_lane 3 (local.get $a)))))
      (block $rested (loop $rest             ;; what is left of the row, one by one
        (br_if $rested (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i32.add (local.get $sum)
          (i32.mul (i32.load8_s (local.get $codes)) (i32.load16_s (local.get $at)))))
        (local.set $codes (i32.add (local.get $codes) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br $rest)))
      (i32.store (local.get $sums) (local.get $sum))
      (local.set $sums (i32.add (local.get $sums) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br $row)))))
