/// A set of code points: ranges, ascending.
struct CodePointSet: Sendable {
    private let ranges: [ClosedRange<UInt32>]

    init(_ ranges: [ClosedRange<UInt32>]) {
        self.ranges = ranges
    }

    func contains(_ point: UInt32) -> Bool { rangeIndex(of: point) != nil }

    /// The number of the range that holds the point.
    func rangeIndex(of point: UInt32) -> Int? {
        var low = 0
        var high = ranges.count
        while low < high {  // the first range that ends at the point or after it
            let middle = (low + high) / 2
            if ranges[middle].upperBound < point { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= point ? low : nil
    }
}

/// Code points and what each becomes.
struct CodePointMap: Sendable {
    private let values: [UInt32: CodePoints]

    init(_ values: [UInt32: CodePoints]) {
        self.values = values
    }

    subscript(point: UInt32) -> CodePoints? { values[point] }

    /// Every code point replaced.
    func map(_ text: CodePoints) -> CodePoints {
        var found = CodePoints()
        found.reserveCapacity(text.count)
        for point in text {
            if let value = values[point] { found += value } else { found.append(point) }
        }
        return found
    }
}

/// The tables of `tokenizer.safetensors`, checked; FORMATS.md says what each holds. Throws ``Malformed``.
struct TextTables: Sendable {
    let letters: CodePointSet
    let numbers: CodePointSet
    let separators: CodePointSet
    let spaces: CodePointSet
    let removed: CodePointSet
    let decimals: CodePointSet
    let cased: CodePointSet
    let caseIgnorable: CodePointSet
    let fold: CodePointMap
    let lower: CodePointMap
    let decompositions: CodePointMap
    let charrefs: CodePointMap
    let html: [CodePoints: CodePoints]
    let htmlShouted: [CodePoints: CodePoints]
    private let combining: CodePointSet
    private let ranks: [UInt32]  // of the ranges of `combining`
    private let compositions: [UInt64: UInt32]
    private let ignoreCase: [UInt32: UInt32]

    /// `needed`: the tables that are read; the others are empty. nil: all.
    init(_ tensors: AssetTensors, needed: Set<String>? = nil) throws {
        func isNeeded(_ name: String) -> Bool { needed?.contains(name) ?? true }
        func set(_ name: String) throws -> CodePointSet { isNeeded(name) ? try tensors.set(name) : CodePointSet([]) }
        func map(_ name: String) throws -> CodePointMap { isNeeded(name) ? try tensors.map(name) : CodePointMap([:]) }
        func names(_ name: String) throws -> [CodePoints: CodePoints] { isNeeded(name) ? try tensors.names(name) : [:] }
        letters = try set("letters")
        numbers = try set("numbers")
        separators = try set("separators")
        spaces = try set("spaces")
        removed = try set("removed")
        decimals = try set("decimals")
        cased = try set("cased")
        caseIgnorable = try set("case_ignorable")
        fold = try map("fold")
        lower = try map("lower")
        decompositions = try map("decompositions")
        charrefs = try map("charrefs")
        html = try names("html")
        htmlShouted = try names("html_shouted")
        let combining = isNeeded("combining") ? try tensors.rows("combining", width: 3) : []
        self.combining = try tensors.ranges(combining, "combining")
        ranks = combining.map { $0[2] }
        let compositions = isNeeded("compositions") ? try tensors.points("compositions", width: 3) : []
        self.compositions = compositions.reduce(into: [:]) { $0[Self.pair($1[0], $1[1])] = $1[2] }
        let ignoreCase = isNeeded("ignore_case") ? try tensors.points("ignore_case", width: 2) : []
        self.ignoreCase = ignoreCase.reduce(into: [:]) { $0[$1[0]] = $1[1] }
    }

    /// Canonical combining class.
    func rank(_ point: UInt32) -> UInt32 { combining.rangeIndex(of: point).map { ranks[$0] } ?? 0 }

    /// The one code point that the two make.
    func composition(_ first: UInt32, _ second: UInt32) -> UInt32? { compositions[Self.pair(first, second)] }

    /// The ASCII letter that a character equals when case is ignored, else itself.
    func ignoringCase(_ point: UInt32) -> UInt32 { ignoreCase[point] ?? point }

    private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 { UInt64(first) << 32 | UInt64(second) }
}

/// Typed reading of the asset's tensors. Throws ``Malformed``.
struct AssetTensors {
    private static let lastPoint: UInt32 = 0x10FFFF
    private static let longest = 64  // code points of a value; the reference's longest has 4

    let container: Container

    /// The rows of a tensor of that width.
    func rows(_ name: String, width: Int) throws -> [[UInt32]] {
        let column = try container.column(name, "U32", [Container.any, width], of: UInt32.self)
        return (0..<column.count / width).map { Array(column[$0 * width..<($0 + 1) * width]) }
    }

    /// Rows of code points.
    func points(_ name: String, width: Int) throws -> [[UInt32]] {
        let rows = try rows(name, width: width)
        for row in rows { try checkPoints(row, name) }
        return rows
    }

    func set(_ name: String) throws -> CodePointSet { try ranges(rows(name, width: 2), name) }

    /// The first two columns, which must be ascending ranges.
    func ranges(_ rows: [[UInt32]], _ name: String) throws -> CodePointSet {
        var next: UInt32 = 0
        return CodePointSet(
            try rows.map { row in
                try wellFormed(
                    row[0] >= next && row[1] >= row[0] && row[1] <= Self.lastPoint,
                    "the ranges of '\(name)' are out of order")
                next = row[1] + 1
                return row[0]...row[1]
            })
    }

    func map(_ name: String) throws -> CodePointMap {
        let keys = try column("\(name)_keys")
        let values = try values(name)
        try wellFormed(keys.count == values.count, "'\(name)' has \(keys.count) keys and \(values.count) values")
        try checkPoints(keys, name)
        try wellFormed(
            zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 }, "the keys of '\(name)' are out of order")
        return CodePointMap(Dictionary(uniqueKeysWithValues: zip(keys, values)))
    }

    /// ASCII names and what each stands for.
    func names(_ name: String) throws -> [CodePoints: CodePoints] {
        let letters = try container.column("\(name)_names", "U8", [Container.any], of: UInt8.self)
        let text = letters[0..<letters.count].map(UInt32.init)
        try wellFormed(text.allSatisfy { $0 < 0x80 }, "the names of '\(name)' are not ASCII")
        let names = try pieces(text, offsets: "\(name)_name_offsets", name)
        let values = try values(name)
        try wellFormed(names.count == values.count, "'\(name)' has \(names.count) names and \(values.count) values")
        return Dictionary(zip(names, values), uniquingKeysWith: { $1 })
    }

    private func values(_ name: String) throws -> [CodePoints] {
        let points = try column("\(name)_values")
        try checkPoints(points, name)
        let values = try pieces(points, offsets: "\(name)_offsets", name)
        for value in values {
            try wellFormed(value.count <= Self.longest, "a value of '\(name)' has \(value.count) code points")
        }
        return values
    }

    private func pieces(_ points: CodePoints, offsets: String, _ name: String) throws -> [CodePoints] {
        let offsets = try column(offsets).map(Int.init)
        let ends = offsets.dropFirst()
        try wellFormed(
            offsets.first == 0 && offsets.last == points.count && zip(offsets, ends).allSatisfy { $0 <= $1 },
            "the offsets of '\(name)' do not rise from 0 to \(points.count)")
        return zip(offsets, ends).map { Array(points[$0..<$1]) }
    }

    private func column(_ name: String) throws -> [UInt32] {
        let column = try container.column(name, "U32", [Container.any], of: UInt32.self)
        return column[0..<column.count]
    }

    private func checkPoints(_ points: [UInt32], _ name: String) throws {
        try wellFormed(
            points.allSatisfy { $0 <= Self.lastPoint }, "'\(name)' has a code point beyond U+10FFFF")
    }
}
