/// Byte pair encoding. `merges`: U16 [n, 2], merge i joins two ids into 512 + i; `byteIDs`: U16 [256].
struct BytePairs: Sendable {
    private static let bytes = 256
    private static let firstMerged = 2 * bytes

    private let byteIDs: [Int]
    private let merged: [UInt64: Int]  // of two ids, by `pair`

    /// Throws ``Malformed`` for a merge of tokens that do not exist yet.
    init(merges: [UInt16], byteIDs: [UInt16]) throws {
        var merged: [UInt64: Int] = [:]
        for index in 0..<merges.count / 2 {
            let (first, second) = (Int(merges[2 * index]), Int(merges[2 * index + 1]))
            try wellFormed(
                max(first, second) < Self.firstMerged + index, "merge \(index) is of tokens that do not exist yet")
            merged[Self.pair(first, second)] = Self.firstMerged + index
        }
        for id in byteIDs { try wellFormed(id < Self.bytes, "a byte's token is \(id)") }
        self.byteIDs = byteIDs.map(Int.init)
        self.merged = merged
    }

    /// How many tokens there are, without the special ones.
    var count: Int { Self.firstMerged + merged.count }

    /// The tokens of a word's UTF-8 bytes. Of all neighbours that merge, those with the lowest id first, leftmost first.
    func tokens(_ word: [UInt8]) -> [Int] {
        var tokens = word.map { byteIDs[Int($0)] }
        tokens[word.count - 1] += Self.bytes  // the byte that ends a word is a token of its own
        return joinedPairs(tokens) { left, right in merged[Self.pair(left.token, right.token)] }
    }

    private static func pair(_ first: Int, _ second: Int) -> UInt64 { UInt64(first) << 32 | UInt64(second) }
}
