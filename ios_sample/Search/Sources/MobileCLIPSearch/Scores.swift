/// A vector, ready to be scored against one catalog: the same bits in every language, as FORMATS.md says.
struct PreparedQuery {
    private static let steps: Double = 16383  // 14 bits and a sign: 1,024 x 128 x 16383 < 2^31

    /// The vector in whole numbers, -16383 to 16383.
    let q16: [Int16]
    private let step: Double  // what one of them is
    private let constant: Double  // offset . vector

    /// Throws ``SearchError/badRequest(_:)`` unless `vector` has the catalog's width, is finite and not zero.
    init(_ vector: [Float], _ tables: CatalogTables) throws {
        let dim = tables.offset.count
        try require(vector.count == dim, "a query vector of \(vector.count) numbers, expected \(dim)")
        try require(vector.allSatisfy(\.isFinite), "a query vector with a number that is not finite")
        let largest = vector.reduce(0) { max($0, abs($1)) }
        try require(largest > 0, "a query vector of zeros")
        let step = Double(largest) / Self.steps
        q16 = vector.map { Int16((Double($0) / step).rounded(.toNearestOrEven)) }
        self.step = step
        constant = zip(tables.offset[0..<dim], vector).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// `sum`: the exact sum of code x q16. In this order.
    func score(scale: Float, sum: Int32) -> Double { Double(scale) * step * Double(sum) + constant }

    /// `weight * picture + (1 - weight) * text`; its length is left as it is.
    static func mixed(text: [Float], picture: [Float], weight: Double) throws -> [Float] {
        try require(text.count == picture.count, "vectors of \(text.count) and of \(picture.count) numbers")
        return zip(text, picture).map { Float(weight * Double($1) + (1 - weight) * Double($0)) }
    }

    /// A row as a vector again.
    static func vector(_ tables: CatalogTables, row: Int) -> [Float] {
        let dim = tables.offset.count
        let scale = Double(tables.scales[row])
        let codes = tables.codes[row * dim..<(row + 1) * dim]
        return zip(tables.offset[0..<dim], codes).map { Float(Double($0) + scale * Double($1)) }
    }
}

/// The exact sum of code x q16 over `count` numbers. At most 1,024 of them, so that it cannot overflow; plain, so that
/// the compiler makes vector instructions of it.
@inline(__always)
func sum(_ codes: UnsafePointer<Int8>, _ q16: UnsafePointer<Int16>, _ count: Int) -> Int32 {
    var sum: Int32 = 0
    for index in 0..<count { sum &+= Int32(codes[index]) &* Int32(q16[index]) }
    return sum
}
