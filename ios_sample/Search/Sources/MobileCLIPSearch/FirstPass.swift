/// A catalog's codes enter; the few numbers a row leave that a search reads first (FORMATS.md, The first pass).
struct FirstPass: Sendable {
    private static let key = "first_pass"  // of the metadata
    private static let names = ["first_axes", "first_codes", "first_scales"]
    private static let shares = 20...1000
    private static let largest: Double = 127

    let axes: Column<Int8>  // [width, dim]
    let codes: Column<Int8>  // [rows, width]
    let scales: Column<Float>  // [rows]
    let width: Int
    /// One fitting row of so many is scored exactly.
    let of: Int

    /// Nil for a file without. Throws ``Malformed`` for tensors that do not fit, or without their share.
    init?(_ container: Container, rows: Int, dim: Int) throws {
        guard Self.names.contains(where: container.holds) else { return nil }
        let axes = try container.column("first_axes", "I8", [Container.any, dim], of: Int8.self)
        let width = axes.count / dim
        try wellFormed((1...dim).contains(width), "a first pass of \(width) axes for \(dim) dimensions")
        let codes = try container.column("first_codes", "I8", [rows, width], of: Int8.self)
        let scales = try container.column("first_scales", "F32", [rows], of: Float.self)
        let stated = try Json.parse(container.text(Self.key).utf8, once: false).asObject(Self.key)
        let of = try stated.part("of").asInt("of in \(Self.key)")
        try wellFormed(Self.shares.contains(of), "\(Self.key) says one row of \(of), expected \(Self.shares)")
        (self.axes, self.codes, self.scales, self.width, self.of) = (axes, codes, scales, width, of)
    }

    /// The query on the axes, in whole numbers of 7 bits and a sign; nil if it has no part in them. `query`: the sums of
    /// rows of [dim] codes.
    func projected(_ query: RowSum) -> [Int16]? {
        let dim = axes.count / width
        let sums = axes.withCells { cells in (0..<width).map { query(cells.base + $0 * dim) } }
        let largest = sums.reduce(0) { max($0, abs($1)) }
        if largest == 0 { return nil }
        let step = Double(largest) / Self.largest
        return sums.map { Int16((Double($0) / step).rounded(.toNearestOrEven)) }
    }

    /// What a row has here, of its codes, [dim], and its scale.
    func derived(_ codes: [Int8], _ scale: Float) -> (codes: [Int8], scale: Float) {
        let (row, dim) = (RowSum(codes.map(Int16.init)), codes.count)
        let sums = axes.withCells { cells in (0..<width).map { Double(row(cells.base + $0 * dim)) } }
        let factor = Float((sums.map(abs).max() ?? 0) / Self.largest)
        let divisor = factor > 0 ? Double(factor) : 1
        let small = sums.map { sum in
            Int8(max(-Self.largest, min(Self.largest, (sum / divisor).rounded(.toNearestOrEven))))
        }
        return (small, Float(Double(scale) * Double(factor)))
    }
}
