/// A vector, ready to be scored against one catalog: the same bits in every language, as FORMATS.md says.
struct PreparedQuery {
    private static let steps: Double = 16383  // 14 bits and a sign: 1,024 x 128 x 16383 < 2^31

    let sum: RowSum  // with the vector in whole numbers, -16383 to 16383
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
        sum = RowSum(vector.map { Int16((Double($0) / step).rounded(.toNearestOrEven)) })
        self.step = step
        constant = zip(tables.offset[0..<dim], vector).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// The score of a row: of `scale` and its codes, as many as the vector has numbers. In this order.
    @inline(__always)
    func score(_ scale: Float, _ codes: UnsafeRawPointer) -> Double { score(scale, sum: sum(codes)) }

    @inline(__always)
    func score(_ scale: Float, sum: Int32) -> Double { Double(scale) * step * Double(sum) + constant }

    /// `weight * image + (1 - weight) * text`; its length is left as it is.
    static func mixed(text: [Float], image: [Float], weight: Double) throws -> [Float] {
        try require(text.count == image.count, "vectors of \(text.count) and of \(image.count) numbers")
        return zip(text, image).map { Float(weight * Double($1) + (1 - weight) * Double($0)) }
    }

    /// A row as a vector again.
    static func vector(_ tables: CatalogTables, row: Int) -> [Float] {
        let dim = tables.offset.count
        let scale = Double(tables.scales[row])
        let codes = tables.codes[row * dim..<(row + 1) * dim]
        return zip(tables.offset[0..<dim], codes).map { Float(Double($0) + scale * Double($1)) }
    }
}
