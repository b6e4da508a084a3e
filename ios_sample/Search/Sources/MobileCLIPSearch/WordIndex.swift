/// The tensors by which a catalog is searched for words: the terms, in the order of their bytes, each with the products
/// that hold it.
struct WordIndex: Sendable {
    private static let mostBytes = 5  // of a number
    static let mostCounted = 255

    let text: Column<UInt8>  // the terms, UTF-8
    let offsets: Column<UInt32>  // [terms + 1]
    let postings: Column<UInt8>  // of each term the products, as gaps
    let postingOffsets: Column<UInt32>  // [terms + 1]
    let counts: Column<UInt8>  // [products]: how many terms each has

    var terms: Int { offsets.count - 1 }

    /// Throws ``Malformed`` for what could lead outside.
    init(_ container: Container, products: Int) throws {
        text = try container.column("word_text", "U8", [Container.any], of: UInt8.self)
        offsets = try container.column("word_offsets", "U32", [Container.any], of: UInt32.self)
        postings = try container.column("word_postings", "U8", [Container.any], of: UInt8.self)
        postingOffsets = try container.column("word_posting_offsets", "U32", [offsets.count], of: UInt32.self)
        counts = try container.column("word_counts", "U8", [products], of: UInt8.self)
        try Self.checkRising("word_offsets", offsets, to: text.count)
        try Self.checkRising("word_posting_offsets", postingOffsets, to: postings.count)
        for term in 0..<terms { try checkProducts(of: term, products) }
    }

    /// One term, UTF-8.
    func term(_ at: Int) -> [UInt8] { text[Int(offsets[at])..<Int(offsets[at + 1])] }

    /// The terms that are `wanted`, or that begin with it.
    func range(of wanted: [UInt8], begins: Bool) -> Range<Int> {
        let first = place { $0.lexicographicallyPrecedes(wanted) }
        if begins {
            // Terms in a wrong order may end before they begin.
            return first..<max(first, place { !wanted.lexicographicallyPrecedes($0.prefix(wanted.count)) })
        }
        return first..<(first < terms && term(first) == wanted ? first + 1 : first)
    }

    /// The products of a term, rising.
    func eachProduct(of term: Int, _ body: (Int) throws -> Void) rethrows {
        try postings.withCells { bytes in
            var (at, end, next) = (Int(postingOffsets[term]), Int(postingOffsets[term + 1]), 0)
            while at < end {
                var (gap, shift) = (0, 0)
                while bytes[at] > 127 {
                    gap |= Int(bytes[at] & 127) << shift
                    shift += 7
                    at += 1
                }
                next += gap | Int(bytes[at]) << shift
                at += 1
                try body(next)
                next += 1
            }
        }
    }

    /// A product's place as the postings have it: how many lie between it and the one before, or nil for none.
    static func gap(_ place: Int, after before: Int?) -> [UInt8] {
        var (rest, made) = (place - (before ?? -1) - 1, [UInt8]())
        while rest > 127 {
            made.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return made + [UInt8(rest)]
    }

    static func count(_ terms: Int) -> UInt8 { UInt8(min(terms, mostCounted)) }

    /// The first term that is not `before`; those that are come first.
    private func place(where before: ([UInt8]) -> Bool) -> Int {
        var (low, high) = (0, terms)
        while low < high {
            let middle = (low + high) / 2
            if before(term(middle)) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func checkRising(_ name: String, _ offsets: Column<UInt32>, to end: Int) throws {
        try wellFormed(offsets.count > 0, "no \(name)")
        try offsets.withCells { cells in
            for index in 0..<offsets.count {
                try wellFormed(
                    index == 0 ? cells[0] == 0 : cells[index - 1] < cells[index], "\(name) do not rise at \(index)")
            }
            try wellFormed(
                Int(cells[offsets.count - 1]) == end, "\(name) end at \(cells[offsets.count - 1]), expected \(end)")
        }
    }

    private func checkProducts(of term: Int, _ products: Int) throws {
        try postings.withCells { bytes in
            var (at, end, next) = (Int(postingOffsets[term]), Int(postingOffsets[term + 1]), 0)
            try wellFormed(bytes[end - 1] < 128, "the products of term \(term) end within a number")
            while at < end {
                let start = at
                var gap = 0
                repeat {
                    try wellFormed(at - start < Self.mostBytes, "a number of too many bytes in term \(term)")
                    gap |= Int(bytes[at] & 127) << (7 * (at - start))
                    at += 1
                } while bytes[at - 1] > 127
                next += gap
                try wellFormed(next < products, "term \(term) has product \(next) of \(products)")
                next += 1
            }
        }
    }
}
