/// Byte pair encoding: while any two neighbours make a piece, those that make the one with the lowest id are joined, the
/// leftmost first. `joint` answers the piece of two neighbours, from the tokens (nil: joined into its left neighbour), both
/// places, and the place after them. n tokens take n log n steps.
func joinedPairs(
    _ tokens: [Int], joint: (_ tokens: [Int?], _ left: Int, _ right: Int, _ end: Int) -> Int?
) -> [Int] {
    let end = tokens.count
    var tokens: [Int?] = tokens
    var before = (0..<end).map { $0 - 1 }  // neighbours still standing
    var after = (0..<end).map { $0 + 1 }
    var queue = Heap<Join>()
    func joined(at left: Int) -> Int? {
        guard left >= 0, tokens[left] != nil, after[left] < end else { return nil }
        return joint(tokens, left, after[left], after[after[left]])
    }
    func look(at left: Int) {
        if let token = joined(at: left) { queue.insert(Join(token: token, left: left)) }
    }
    for left in 0..<end { look(at: left) }
    while let next = queue.popLeast() {
        let left = next.left
        if joined(at: left) != next.token { continue }  // overtaken
        let right = after[left]
        tokens[left] = next.token
        tokens[right] = nil
        after[left] = after[right]
        if after[left] < end { before[after[left]] = left }
        look(at: left)
        look(at: before[left])
    }
    return tokens.compactMap { $0 }
}

/// A place whose token joins with its right neighbour.
private struct Join: Comparable {
    let token: Int
    let left: Int

    /// The lowest id first, then the leftmost.
    static func < (one: Join, other: Join) -> Bool { (one.token, one.left) < (other.token, other.left) }
}
