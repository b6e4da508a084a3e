/// A row as the catalog stores it: `vector = offset + scale x code`. The rest in float64, the scale in float32, codes
/// rounded halves to even, the same in every language. A row equal to the offset has the scale 0.
func quantised(_ vector: [Float], offset: [Float]) -> (codes: [Int8], scale: Float) {
    let largest: Double = 127
    let rest = zip(vector, offset).map { Double($0) - Double($1) }
    let scale = Float((rest.map(abs).max() ?? 0) / largest)
    let divisor = scale > 0 ? Double(scale) : 1
    let codes = rest.map { Int8(max(-largest, min(largest, ($0 / divisor).rounded(.toNearestOrEven)))) }
    return (codes, scale)
}
