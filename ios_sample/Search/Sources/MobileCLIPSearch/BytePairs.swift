/// Byte pair encoding. `merges`: U16 [n, 2], merge i joins two ids into 512 + i; `byteIDs`: U16 [256].
struct BytePairs: Sendable {
    private static let bytes = 256
    private static let firstMerged = 2 * bytes

    private let byteIDs: [Int]
    private let merged: [UInt64: Int]  // of two ids, by `pair`

    /// A place whose token merges with its right neighbour.
    private struct Merge: Comparable {
        let merged: Int
        let left: Int

        /// The lowest id first, then the leftmost.
        static func < (one: Merge, other: Merge) -> Bool { (one.merged, one.left) < (other.merged, other.left) }
    }

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

    /// The tokens of a word's UTF-8 bytes. Of all neighbours that merge, those with the lowest id first, leftmost first.
    func tokens(_ word: [UInt8]) -> [Int] {
        let end = word.count
        var tokens: [Int?] = word.map { byteIDs[Int($0)] }
        tokens[end - 1] = byteIDs[Int(word[end - 1])] + Self.bytes  // the byte that ends a word is a token of its own
        var before = (0..<end).map { $0 - 1 }  // neighbours still standing
        var after = (0..<end).map { $0 + 1 }
        var queue = Heap<Merge>()
        func merge(at left: Int) -> Int? {
            guard left >= 0, after[left] < end, let first = tokens[left], let second = tokens[after[left]] else {
                return nil
            }
            return merged[Self.pair(first, second)]
        }
        func look(at left: Int) {
            if let merged = merge(at: left) { queue.insert(Merge(merged: merged, left: left)) }
        }
        for left in 0..<end { look(at: left) }
        while let next = queue.popLeast() {
            let left = next.left
            if merge(at: left) != next.merged { continue }  // overtaken
            let right = after[left]
            tokens[left] = next.merged
            tokens[right] = nil
            after[left] = after[right]
            if after[left] < end { before[after[left]] = left }
            look(at: left)
            look(at: before[left])
        }
        return tokens.compactMap { $0 }
    }

    private static func pair(_ first: Int, _ second: Int) -> UInt64 { UInt64(first) << 32 | UInt64(second) }
}
