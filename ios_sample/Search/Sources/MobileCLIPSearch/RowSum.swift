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
    /// How many numbers the query has.
    let width: Int

    init(_ q16: [Int16]) {
        width = q16.count
        let blocks = width / Self.block
        func places(_ first: Int) -> [SIMD8<Int16>] {
            (0..<blocks).map { block in SIMD8((0..<8).map { q16[Self.block * block + 2 * $0 + first] }) }
        }
        even = places(0)
        odd = places(1)
        rest = Array(q16[(blocks * Self.block)...])
    }

    /// `codes`: as many int8 as q16 has numbers.
    func callAsFunction(_ codes: UnsafeRawPointer) -> Int32 {
        var sum: Int32 = 0
        callAsFunction(codes, rows: 1, into: &sum)
        return sum
    }

    /// Of each of some rows that lie side by side.
    func callAsFunction(_ codes: UnsafeRawPointer, rows: Int, into sums: UnsafeMutablePointer<Int32>) {
        Self.sums(codes, (rows, width), even, odd, into: sums)
        if rest.isEmpty { return }
        for row in 0..<rows {
            let codes = codes + (row * width + Self.block * even.count)
            for index in rest.indices {
                let code = codes.load(fromByteOffset: index, as: Int8.self)
                sums[row] &+= Int32(code) &* Int32(rest[index])
            }
        }
    }

    /// A function by itself, with one sum in its inner loop: otherwise it loses the pairing instructions (x86-64, Swift 6.0).
    @inline(never)
    private static func sums(
        _ codes: UnsafeRawPointer, _ shape: (rows: Int, width: Int), _ even: UnsafePointer<SIMD8<Int16>>,
        _ odd: UnsafePointer<SIMD8<Int16>>, into sums: UnsafeMutablePointer<Int32>
    ) {
        for row in 0..<shape.rows {
            let codes = codes + row &* shape.width
            switch shape.width / block {
            case 6: sums[row] = sum(codes, even, odd, blocks: 6)  // unrolled: the usual width of a first pass
            case let blocks: sums[row] = sum(codes, even, odd, blocks: blocks)
            }
        }
    }

    @inline(__always)
    private static func sum(
        _ codes: UnsafeRawPointer, _ even: UnsafePointer<SIMD8<Int16>>, _ odd: UnsafePointer<SIMD8<Int16>>, blocks: Int
    ) -> Int32 {
        var sums = SIMD8<Int32>()
        for index in 0..<blocks {
            let pairs = codes.loadUnaligned(fromByteOffset: block &* index, as: SIMD8<Int16>.self)
            sums &+= widened((pairs &<< 8) &>> 8) &* widened(even[index])
            sums &+= widened(pairs &>> 8) &* widened(odd[index])
        }
        return sums.wrappedSum()
    }

    @inline(__always)
    private static func widened(_ numbers: SIMD8<Int16>) -> SIMD8<Int32> { SIMD8(truncatingIfNeeded: numbers) }
}
