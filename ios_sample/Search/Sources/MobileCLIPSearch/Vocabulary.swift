/// The pieces of a tokenizer asset of version 2, in the mapped file: those with which a text begins, by binary search.
///
/// No map in memory: `piece_order` lists the pieces that can match in the order of their bytes, and a range of it is
/// narrowed byte by byte. Whatever the columns hold, nothing outside them is read.
struct Vocabulary: Sendable {
    private static let shorter = -1  // the byte behind the end of a piece: less than every byte

    private let pieces: Column<UInt8>  // UTF-8, in the order of ids
    private let offsets: Column<UInt32>  // [count + 1]
    private let order: Column<UInt32>  // ids of the pieces that can match

    /// The pieces of `piece_order` that begin with the same `depth` bytes.
    struct Narrowed: Sendable {
        fileprivate var low: Int
        fileprivate var high: Int
        fileprivate var depth: Int
    }

    /// How many tokens there are.
    var count: Int { offsets.count - 1 }

    /// Throws ``Malformed`` for what FORMATS.md refuses on opening; ``verify()`` is for the rest.
    init(_ container: Container) throws {
        pieces = try container.column("pieces", "U8", [Container.any], of: UInt8.self)
        offsets = try container.column("piece_offsets", "U32", [Container.any], of: UInt32.self)
        order = try container.column("piece_order", "U32", [Container.any], of: UInt32.self)
        try wellFormed(
            offsets.count > 0 && offsets[0] == 0 && Int(offsets[offsets.count - 1]) == pieces.count,
            "piece_offsets do not go from 0 to the \(pieces.count) bytes of pieces")
    }

    /// The full check: reads every piece. Throws ``Malformed``, which names the tensor.
    func verify() throws {
        try checkUTF8(pieces, "pieces")
        try withView { view in
            for token in 0..<count {
                let (start, end) = (Int(view.offsets[token]), Int(view.offsets[token + 1]))
                try wellFormed(
                    start <= end && end <= pieces.count,
                    "piece_offsets do not rise from 0 to \(pieces.count): \(end) follows \(start)")
                try wellFormed(
                    start == pieces.count || !isContinuation(view.pieces[start]),
                    "piece_offsets has a piece that begins inside a character, token \(token)")
            }
            var before = 0..<0  // so an empty piece is refused, too
            for place in 0..<order.count {
                try checkToken(Int(view.order[place]), "piece_order")
                let piece = view.piece(at: place)
                try wellFormed(
                    view.compare(before, piece) < 0,
                    "piece_order is not in the order of the pieces' bytes at token \(view.order[place])")
                before = piece
            }
        }
    }

    /// Throws ``Malformed`` for an id that no token has.
    func checkToken(_ token: Int, _ name: String) throws {
        try wellFormed(token < count, "\(name) names token \(token) of \(count)")
    }

    /// The token of the piece with these bytes of `text`, if it can match.
    func find(_ wanted: Range<Int>, in text: [UInt8]) -> Int? {
        withView { view in
            text.withUnsafeBytes { text in
                var (low, high) = (0, order.count)
                while low < high {
                    let middle = (low + high) / 2
                    let ordering = view.compare(view.piece(at: middle), wanted, of: text)
                    if ordering == 0 { return Int(view.order[middle]) }
                    if ordering < 0 { low = middle + 1 } else { high = middle }
                }
                return nil
            }
        }
    }

    /// The pieces that begin with these bytes.
    func narrowed(by prefix: [UInt8]) -> Narrowed {
        withView { view in prefix.reduce(into: whole) { view.narrow(&$0, by: $1) } }
    }

    /// Calls `found` with every piece that `text` continues with from `start` on, the shortest first: its token, and how
    /// many bytes of `text` it takes. `after`: bytes that stand in front, as `narrowed(by:)` took them.
    func matches(
        _ text: [UInt8], from start: Int, after: Narrowed? = nil, _ found: (_ token: Int, _ length: Int) -> Void
    ) {
        withView { view in
            var range = after ?? whole
            for place in start..<text.count {
                view.narrow(&range, by: text[place])
                if range.low == range.high { return }
                if view.piece(at: range.low).count == range.depth {  // the shortest of the range comes first
                    found(Int(view.order[range.low]), place + 1 - start)
                }
            }
        }
    }

    private var whole: Narrowed { Narrowed(low: 0, high: order.count, depth: 0) }

    private func withView<R>(_ body: (View) throws -> R) rethrows -> R {
        try pieces.withCells { pieces in
            try offsets.withCells { offsets in
                try order.withCells { order in
                    try body(
                        View(
                            pieces: pieces, offsets: offsets, order: order, size: self.pieces.count, count: count))
                }
            }
        }
    }

    /// The columns' cells. Places are below `order.count`.
    private struct View {
        let pieces: Cells<UInt8>
        let offsets: Cells<UInt32>
        let order: Cells<UInt32>
        let size: Int
        let count: Int

        /// The bytes of a piece; none where damaged columns lead out of each other.
        func piece(at place: Int) -> Range<Int> {
            let token = Int(order[place])
            guard token < count else { return 0..<0 }
            let (start, end) = (Int(offsets[token]), Int(offsets[token + 1]))
            return start <= end && end <= size ? start..<end : 0..<0
        }

        /// Leaves of the range the pieces whose next byte is this.
        func narrow(_ range: inout Narrowed, by byte: UInt8) {
            range.low = first(Int(byte), range)
            range.high = first(Int(byte) + 1, range)
            range.depth += 1
        }

        /// The first place of a range where the next byte is not below `byte`.
        private func first(_ byte: Int, _ range: Narrowed) -> Int {
            var (low, high) = (range.low, range.high)
            while low < high {
                let middle = (low + high) / 2
                let piece = piece(at: middle)
                let next = range.depth < piece.count ? Int(pieces[piece.lowerBound + range.depth]) : Vocabulary.shorter
                if next < byte { low = middle + 1 } else { high = middle }
            }
            return low
        }

        /// Below 0 where one piece's bytes come first.
        func compare(_ one: Range<Int>, _ other: Range<Int>) -> Int {
            compare(one, other, of: UnsafeRawBufferPointer(start: pieces.base, count: size))
        }

        /// Below 0 where a piece's bytes come before those of `text`; 0 where they are equal.
        func compare(_ piece: Range<Int>, _ other: Range<Int>, of text: UnsafeRawBufferPointer) -> Int {
            for index in 0..<min(piece.count, other.count) {
                let (mine, theirs) = (pieces[piece.lowerBound + index], text[other.lowerBound + index])
                if mine != theirs { return Int(mine) - Int(theirs) }
            }
            return piece.count - other.count
        }
    }
}

/// Throws ``Malformed`` for a tensor that is no UTF-8.
func checkUTF8(_ column: Column<UInt8>, _ name: String) throws {
    let isBroken = column.withCells { cells in
        transcode(
            (0..<column.count).lazy.map { cells[$0] }.makeIterator(), from: UTF8.self, to: UTF32.self,
            stoppingOnError: true, into: { _ in })
    }
    try wellFormed(!isBroken, "\(name) is no UTF-8")
}

/// Whether a byte of UTF-8 stands inside a character.
func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
