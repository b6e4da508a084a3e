/// The exact sum of code x q16 over a row of codes, for one query.
///
/// Sixteen codes are read as eight numbers of 16 bits: shifted left and back, each is the code at an even place, and
/// shifted back alone the one at an odd place. The query is laid out likewise, and all that is left are instructions that
/// multiply and add pairs, on any x86-64 or arm64. At most 1,024 numbers: the sum cannot overflow.
struct RowSum {
    private static let block = 16

    private let even: [SIMD8<Int16>]
    private let odd: [SIMD8<Int16>]
    private let rest: [Int16]  // less than a block

    init(_ q16: [Int16]) {
        let blocks = q16.count / Self.block
        func places(_ first: Int) -> [SIMD8<Int16>] {
            (0..<blocks).map { block in SIMD8((0..<8).map { q16[Self.block * block + 2 * $0 + first] }) }
        }
        even = places(0)
        odd = places(1)
        rest = Array(q16[(blocks * Self.block)...])
    }

    /// `codes`: as many int8 as q16 has numbers.
    func callAsFunction(_ codes: UnsafeRawPointer) -> Int32 {
        let whole = even.withUnsafeBufferPointer { even in
            odd.withUnsafeBufferPointer { odd in Self.sum(codes, even, odd) }
        }
        let codes = codes + Self.block * even.count
        return rest.indices.reduce(whole) { sum, index in
            sum &+ Int32(codes.load(fromByteOffset: index, as: Int8.self)) &* Int32(rest[index])
        }
    }

    /// A function by itself: inlined into a longer one, the loop loses the pairing instructions (x86-64, Swift 6.0).
    @inline(never)
    private static func sum(
        _ codes: UnsafeRawPointer, _ even: UnsafeBufferPointer<SIMD8<Int16>>, _ odd: UnsafeBufferPointer<SIMD8<Int16>>
    ) -> Int32 {
        var sums = SIMD8<Int32>()
        for index in 0..<even.count {
            let pairs = codes.loadUnaligned(fromByteOffset: block * index, as: SIMD8<Int16>.self)
            sums &+= widened((pairs &<< 8) &>> 8) &* widened(even[index])
            sums &+= widened(pairs &>> 8) &* widened(odd[index])
        }
        return sums.wrappedSum()
    }

    @inline(__always)
    private static func widened(_ numbers: SIMD8<Int16>) -> SIMD8<Int32> { SIMD8(truncatingIfNeeded: numbers) }
}
