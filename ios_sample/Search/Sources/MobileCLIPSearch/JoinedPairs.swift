/// A token among its neighbours that still stand; places are those that the tokens had at first.
struct Symbol {
    let place: Int
    fileprivate(set) var token: Int
    fileprivate var before: Int
    /// The place after it, where its text ends.
    fileprivate(set) var after: Int
    fileprivate var joint: Int?  // the token of the piece that it and the next make
    fileprivate var isJoined = false  // into its left neighbour
}

/// Byte pair encoding: while any two neighbours make a piece, those that make the one with the lowest id are joined, the
/// leftmost first. `joint` answers the token of the piece that two neighbours make. n tokens take n log n steps.
func joinedPairs(_ tokens: [Int], joint: (_ left: Symbol, _ right: Symbol) -> Int?) -> [Int] {
    var symbols = tokens.enumerated().map { place, token in
        Symbol(place: place, token: token, before: place - 1, after: place + 1)
    }
    var queue = Heap<Join>()
    func look(at left: Int) {
        guard left >= 0 else { return }
        let right = symbols[left].after
        let token = right < symbols.count ? joint(symbols[left], symbols[right]) : nil
        symbols[left].joint = token
        if let token { queue.insert(Join(token: token, left: left)) }
    }
    for left in symbols.indices { look(at: left) }
    while let next = queue.popLeast() {
        let left = next.left
        if symbols[left].joint != next.token { continue }  // overtaken
        let right = symbols[left].after
        symbols[left].token = next.token
        symbols[left].after = symbols[right].after
        symbols[right].isJoined = true
        symbols[right].joint = nil
        if symbols[left].after < symbols.count { symbols[symbols[left].after].before = left }
        look(at: left)
        look(at: symbols[left].before)
    }
    return symbols.compactMap { $0.isJoined ? nil : $0.token }
}

/// A place whose token joins with its right neighbour.
private struct Join: Comparable {
    let token: Int
    let left: Int

    /// The lowest id first, then the leftmost.
    static func < (one: Join, other: Join) -> Bool { (one.token, one.left) < (other.token, other.left) }
}
