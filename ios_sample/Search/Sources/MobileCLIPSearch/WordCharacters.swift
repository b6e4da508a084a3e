/// A text and a catalog's tables of characters enter; its words, folded, leave. No Unicode function of the system takes
/// part (FORMATS.md, Words and keys).
struct WordCharacters: Sendable {
    static let names = ["word_folds", "word_fold_texts", "word_letters"]
    private static let word: UInt32 = 1
    private static let pairs: UInt32 = 2
    private static let one: UInt32 = 0  // what a run of characters becomes
    private static let shifted: UInt32 = 1
    private static let text: UInt32 = 2
    private static let last: UInt32 = 0x10FFFF
    private static let surrogates: ClosedRange<UInt32> = 0xD800...0xDFFF
    private static let barcodes: Set = [8, 12, 13, 14]  // digits of a GTIN
    private static let barcodeDigits = 14

    let folds: Column<UInt32>  // [n x 3]: first, last, what they become
    let foldTexts: Column<UInt32>  // each a count, then the characters
    let letters: Column<UInt32>  // [m x 3]: first, last, kind

    /// Throws ``Malformed`` for tables that do not hold what they should.
    init(_ container: Container) throws {
        func column(_ name: String) throws -> Column<UInt32> {
            try container.column(name, "U32", [Container.any], of: UInt32.self)
        }
        folds = try column("word_folds")
        foldTexts = try column("word_fold_texts")
        letters = try column("word_letters")
        try Self.checkRuns("word_folds", folds) { first, last, value in try checkFold(first, last, value) }
        try Self.checkRuns("word_letters", letters) { _, _, kind in
            try wellFormed(kind == Self.word || kind == Self.pairs, "word_letters of kind \(kind)")
        }
    }

    /// The words of a text, in their order.
    func runs(_ text: String) -> [LetterRun] {
        var runs: [LetterRun] = []
        var before: UInt32?  // the kind of the character before
        for point in composed(folded(text)) {
            let kind = value(of: point, in: letters)?.value
            if let kind, kind == before {
                runs[runs.count - 1].points.append(point)
            } else if let kind {
                runs.append(LetterRun(points: [point], byPairs: kind == Self.pairs))
            }
            before = kind
        }
        return runs
    }

    /// A text as one key, UTF-8: its runs without what is between them; a barcode of 14 digits. Empty for one without
    /// letters.
    func key(_ text: String) -> [UInt8] { Self.key(runs(text)) }

    static func key(_ runs: [LetterRun]) -> [UInt8] {
        let joined = utf8(runs.flatMap(\.points))
        guard barcodes.contains(joined.count), joined.allSatisfy(isDigit) else { return joined }
        return [UInt8](repeating: UInt8(ascii: "0"), count: barcodeDigits - joined.count) + joined
    }

    private func folded(_ text: String) -> CodePoints {
        var made: CodePoints = []
        for point in CodePoints(text) {
            guard let (first, value) = value(of: point, in: folds) else {
                made.append(point)
                continue
            }
            let to = Self.place(value)
            switch Self.kind(value) {
            case Self.text: made += foldTexts[Int(to) + 1..<Int(to) + 1 + Int(foldTexts[Int(to)])]
            case Self.shifted: made.append(to + point - first)
            default: made.append(to)
            }
        }
        return made
    }

    /// With Hangul's single letters made into syllables, by arithmetic.
    private func composed(_ points: CodePoints) -> CodePoints {
        let (leads, vowels, tails) = (UInt32(0x1100)...0x1112, UInt32(0x1161)...0x1175, UInt32(0x11A8)...0x11C2)
        let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3
        let (ofALead, ofAVowel): (UInt32, UInt32) = (588, 28)
        var made: CodePoints = []
        for point in points {
            let before = made.last ?? 0
            let distance = before &- syllables.lowerBound
            if leads.contains(before), vowels.contains(point) {
                made[made.count - 1] =
                    syllables.lowerBound + (before - leads.lowerBound) * ofALead
                    + (point - vowels.lowerBound) * ofAVowel
            } else if syllables.contains(before), distance % ofAVowel == 0, tails.contains(point) {
                made[made.count - 1] = before + point - tails.lowerBound + 1
            } else {
                made.append(point)
            }
        }
        return made
    }

    /// The run of a table that holds a character: its first one, and its value.
    private func value(of point: UInt32, in runs: Column<UInt32>) -> (first: UInt32, value: UInt32)? {
        runs.withCells { cells in
            var (low, high) = (0, runs.count / 3)
            while low < high {
                let middle = (low + high) / 2
                if cells[3 * middle + 1] < point { low = middle + 1 } else { high = middle }
            }
            guard 3 * low < runs.count, cells[3 * low] <= point else { return nil }
            return (cells[3 * low], cells[3 * low + 2])
        }
    }

    private static func checkRuns(
        _ name: String, _ runs: Column<UInt32>,
        _ check: (_ first: UInt32, _ last: UInt32, _ value: UInt32) throws -> Void
    ) throws {
        try wellFormed(runs.count % 3 == 0, "\(name) of \(runs.count) numbers, expected three a run")
        try runs.withCells { cells in
            var least: UInt32 = 0
            for run in 0..<runs.count / 3 {
                let (first, last) = (cells[3 * run], cells[3 * run + 1])
                try wellFormed(
                    first >= least && first <= last && last <= Self.last, "\(name): run \(run) does not rise")
                try check(first, last, cells[3 * run + 2])
                least = last + 1
            }
        }
    }

    private func checkFold(_ first: UInt32, _ last: UInt32, _ value: UInt32) throws {
        let (kind, to) = (Self.kind(value), Self.place(value))
        let isRight =
            switch kind {
            case Self.text: isText(Int(to))
            case Self.one, Self.shifted:
                Self.areCharacters(to, to + (kind == Self.shifted ? last - first : 0))
            default: false
            }
        try wellFormed(isRight, "word_folds: from \(first) on they become what is no character")
    }

    private func isText(_ place: Int) -> Bool {
        guard place < foldTexts.count else { return false }
        let count = Int(foldTexts[place])
        guard place + count < foldTexts.count else { return false }
        return foldTexts[place + 1..<place + 1 + count].allSatisfy { Self.areCharacters($0, $0) }
    }

    private static func areCharacters(_ first: UInt32, _ last: UInt32) -> Bool {
        last <= Self.last && (last < surrogates.lowerBound || first > surrogates.upperBound)
    }

    private static func kind(_ value: UInt32) -> UInt32 { value >> 24 }

    private static func place(_ value: UInt32) -> UInt32 { value & 0xFF_FFFF }
}

/// A folded run of letters of one kind: a word, or a run of a script without spaces.
struct LetterRun {
    var points: CodePoints  // one at least
    let byPairs: Bool

    /// What the run is found by, UTF-8: the word; or each pair of neighbours, and the last character alone.
    var terms: [[UInt8]] {
        if !byPairs { return [utf8(points)] }
        return zip(points, points.dropFirst()).map { utf8([$0, $1]) } + [utf8(points.suffix(1))]
    }
}
