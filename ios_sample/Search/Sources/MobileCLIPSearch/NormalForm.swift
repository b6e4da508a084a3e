/// Unicode's normal forms C and D by the asset's tables: decompose, order the marks; for C, compose.
struct NormalForm: Sendable {
    private static let firstMark: UInt32 = 0x300

    let tables: TextTables

    func compose(_ text: CodePoints) -> CodePoints {
        if text.allSatisfy({ $0 < Self.firstMark }) { return text }  // a short way; the steps would change nothing
        var whole = CodePoints()
        whole.reserveCapacity(text.count)
        var starter: Int?  // where in `whole` the last character of class 0 stands
        var between: UInt32?  // class of the last mark kept after it
        for point in decompose(text) {
            let rank = tables.rank(point)
            let isFree = between.map { $0 < rank } ?? true
            if let starter, isFree, let pair = pair(whole[starter], point) {
                whole[starter] = pair
                continue
            }
            if rank == 0 {
                starter = whole.count
                between = nil
            } else {
                between = rank
            }
            whole.append(point)
        }
        return whole
    }

    /// Normal form D.
    func decompose(_ text: CodePoints) -> CodePoints { inOrder(parts(text)) }

    private func parts(_ text: CodePoints) -> CodePoints {
        var parts = CodePoints()
        parts.reserveCapacity(text.count)
        for point in text {
            if Hangul.syllables.contains(point) {
                parts += Hangul.decompose(point)
            } else if let value = tables.decompositions[point] {
                parts += value
            } else {
                parts.append(point)
            }
        }
        return parts
    }

    /// Each run of marks (combining class above 0) sorted by class, equals in their order.
    private func inOrder(_ text: CodePoints) -> CodePoints {
        var ordered = text
        var start = 0
        while start < text.count {
            let end: Int = text[start...].firstIndex { tables.rank($0) == 0 } ?? text.count
            if end - start > 1 {
                let marks = text[start..<end].map { (rank: tables.rank($0), point: $0) }
                // The standard library's sort is stable, and says so for Swift 5 and up.
                ordered.replaceSubrange(start..<end, with: marks.sorted { $0.rank < $1.rank }.map(\.point))
            }
            start = max(end, start + 1)
        }
        return ordered
    }

    /// The one character that the two make, if they do.
    private func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
        Hangul.compose(first, second) ?? tables.composition(first, second)
    }
}

/// Hangul syllables by arithmetic (The Unicode Standard, 3.12).
private enum Hangul {
    static let syllables: Range<UInt32> = 0xAC00..<0xAC00 + 19 * 21 * 28
    private static let leads: Range<UInt32> = 0x1100..<0x1100 + 19
    private static let vowels: Range<UInt32> = 0x1161..<0x1161 + 21
    private static let tails: Range<UInt32> = 0x11A8..<0x11A8 + 27
    private static let tailCount: UInt32 = 28  // none among them
    private static let vowelCount: UInt32 = 21

    static func decompose(_ syllable: UInt32) -> CodePoints {
        let index = syllable - syllables.lowerBound
        let lead = leads.lowerBound + index / (vowelCount * tailCount)
        let vowel = vowels.lowerBound + index / tailCount % vowelCount
        let tail = index % tailCount
        return tail == 0 ? [lead, vowel] : [lead, vowel, tails.lowerBound + tail - 1]
    }

    static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if leads.contains(first), vowels.contains(second) {
            let index = (first - leads.lowerBound) * vowelCount + second - vowels.lowerBound
            return syllables.lowerBound + index * tailCount
        }
        if syllables.contains(first), (first - syllables.lowerBound) % tailCount == 0, tails.contains(second) {
            return first + second - tails.lowerBound + 1
        }
        return nil
    }
}
