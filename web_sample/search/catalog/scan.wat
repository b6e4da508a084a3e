;; Codes, their scales and a query in one memory enter; the next row whose score reaches the least one leaves.
;; A quick way of `nextPlainly` in scan.js, whose arguments it takes. scan.wasm is this file, assembled by wat2wasm.
(module
  (import "catalog" "memory" (memory 1))
  (func (export "next") (param $query i32) (param $codes i32) (param $scales i32) (param $score i32) (param $dim i32)
    (param $step f64) (param $constant f64) (param $row i32) (param $end i32) (param $least f64) (result i32)
    (local $at i32) (local $quick i32) (local $last i32) (local $sum i32) (local $found f64)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $quick                        ;; where the whole turns of 32 numbers end in the query, an int16 each
      (i32.add (local.get $query) (i32.shl (i32.and (local.get $dim) (i32.const -32)) (i32.const 1))))
    (local.set $last (i32.add (local.get $query) (i32.shl (local.get $dim) (i32.const 1))))
    (local.set $codes (i32.add (local.get $codes) (i32.mul (local.get $row) (local.get $dim))))
    (local.set $scales (i32.add (local.get $scales) (i32.shl (local.get $row) (i32.const 2))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
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
        (br_if $rested (i32.ge_u (local.get $at) (local.get $last)))
        (local.set $sum (i32.add (local.get $sum)
          (i32.mul (i32.load8_s (local.get $codes)) (i32.load16_s (local.get $at)))))
        (local.set $codes (i32.add (local.get $codes) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br $rest)))
      (local.set $found (f64.add             ;; scale x step x sum + constant, in this order
        (f64.mul
          (f64.mul (f64.promote_f32 (f32.load (local.get $scales))) (local.get $step))
          (f64.convert_i32_s (local.get $sum)))
        (local.get $constant)))
      (if (f64.ge (local.get $found) (local.get $least)) (then
        (f64.store (local.get $score) (local.get $found))
        (br $done)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br $next)))
    (local.get $row)))
