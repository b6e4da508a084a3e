/// RGB8 pixels of a window of an image; the window begins at `left`, `top` of the image and is `width` wide.
struct Pixels {
    static let channels = 3

    let bytes: [UInt8]
    let width: Int
    let left: Int
    let top: Int

    /// Where a pixel's bytes begin.
    func place(x: Int, y: Int) -> Int { Self.channels * ((y - top) * width + x - left) }
}

/// One axis of a resize that equals Pillow 13.0.0's bit for bit: the crop's outputs, each a weighted sum of inputs.
///
/// An axis whose size stays the same has one weight of 1, which changes no byte.
struct Axis {
    private static let precisionBits: Int32 = 22
    private static let one: Int32 = 1 << precisionBits
    private static let half: Int32 = 1 << (precisionBits - 1)

    /// The inputs from `low` on, and their whole-number weights.
    private struct Output {
        let low: Int
        let weights: [Int32]
    }

    private let outputs: [Output]

    /// The inputs that are used.
    let inputs: Range<Int>

    /// The middle `size` of the `resized` outputs of an axis of `length` inputs.
    init(length: Int, resized: Int, size: Int, _ interpolation: ResizeInterpolation) {
        let origin = Self.halved(resized - size)
        if resized == length {
            outputs = (origin..<origin + size).map { Output(low: $0, weights: [Self.one]) }
        } else {
            let scale = Double(length) / Double(resized)
            let stretch = max(scale, 1)  // shrinking widens the kernel: the antialiasing
            let support = interpolation.halfWidth * stretch
            outputs = (origin..<origin + size).map { output in
                let centre = (Double(output) + 0.5) * scale
                let low = max(Int(centre - support + 0.5), 0)
                let high = min(Int(centre + support + 0.5), length)
                let weights = (low..<high).map { input in
                    interpolation.weight((Double(input) - centre + 0.5) * (1 / stretch))
                }
                return Output(low: low, weights: Self.whole(weights))
            }
        }
        let end = outputs.reduce(0) { max($0, $1.low + $1.weights.count) }
        inputs = (outputs.first?.low ?? 0)..<end
    }

    /// Rows `top` to `top + count - 1` of `source`, narrowed to this axis' outputs: RGB8 [count, outputs].
    func shrinkColumns(_ source: Pixels, top: Int, count: Int) -> [UInt8] {
        made(Pixels.channels * count * outputs.count) { out in
            source.bytes.withUnsafeBufferPointer { bytes in
                var place = 0
                for y in top..<top + count {
                    for output in outputs {
                        let start = source.place(x: output.low, y: y)
                        combine(bytes, start, output.weights, into: out, at: place)
                        place += Pixels.channels
                    }
                }
            }
        }
    }

    @inline(__always)
    private func combine(
        _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ weights: [Int32],
        into out: UnsafeMutableBufferPointer<UInt8>, at place: Int
    ) {
        var (red, green, blue) = (Self.half, Self.half, Self.half)
        var at = start
        weights.withUnsafeBufferPointer { weights in
            for weight in weights {
                red &+= Int32(bytes[at]) &* weight
                green &+= Int32(bytes[at + 1]) &* weight
                blue &+= Int32(bytes[at + 2]) &* weight
                at += Pixels.channels
            }
        }
        out[place] = Self.clamped(red)
        out[place + 1] = Self.clamped(green)
        out[place + 2] = Self.clamped(blue)
    }

    /// Columns `left` to `left + count - 1` of `source`, lowered to this axis' outputs: RGB8 [outputs, count].
    func shrinkRows(_ source: Pixels, left: Int, count: Int) -> [UInt8] {
        let width = Pixels.channels * count
        var sums = [Int32](repeating: 0, count: width)
        return made(width * outputs.count) { out in
            source.bytes.withUnsafeBufferPointer { bytes in
                sums.withUnsafeMutableBufferPointer { sums in
                    for (row, output) in outputs.enumerated() {
                        sums.update(repeating: Self.half)
                        for (index, weight) in output.weights.enumerated() {
                            let start = source.place(x: left, y: output.low + index)
                            for place in 0..<width { sums[place] &+= Int32(bytes[start + place]) &* weight }
                        }
                        for place in 0..<width { out[row * width + place] = Self.clamped(sums[place]) }
                    }
                }
            }
        }
    }

    private func made(_ count: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Void) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { bytes, initialised in
            bytes.initialize(repeating: 0)
            fill(bytes)
            initialised = count
        }
    }

    private static func clamped(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> precisionBits) }

    /// Half of what is left over, halves to the even number.
    private static func halved(_ left: Int) -> Int { (left >> 1) + (left & (left >> 1) & 1) }

    private static func whole(_ weights: [Double]) -> [Int32] {
        let total = weights.reduce(0, +)
        return weights.map { weight in
            let share = weight / total
            return Int32(share * Double(one) + (share >= 0 ? 0.5 : -0.5))
        }
    }
}
