/// The tokenizer of the family `unigram` (SigLIP, XLM-R): the pieces whose scores have the largest sum.
/// ``Tokenizers/load(_:sha256:vocabulary:)`` makes it.
struct UnigramTokenizer: AssetTokenizer {
    private let name: String
    private let cleaning: CleaningSteps
    private let vocabulary: Vocabulary
    private let frame: IDFrame
    private let scores: Column<Float>
    private let unknownScore: Double
    private let spaceMark: UInt32  // stands in front of each word
    private let breaks: CodePointSet  // characters between words

    var contextLength: Int { frame.contextLength }
    var tokenCount: Int { vocabulary.count }

    init(_ name: String, _ container: Container) throws {
        self.name = name
        vocabulary = try Vocabulary(container)
        scores = try container.column("scores", "F32", [vocabulary.count], of: Float.self)
        unknownScore = try Self.score(container, "unknown_score")
        spaceMark = try container.character("space_mark")
        breaks = try AssetTensors(container: container).set("breaks")
        cleaning = try CleaningSteps(container)
        frame = try IDFrame(container, vocabulary)
    }

    func verify() throws {
        try reading(name) {
            try vocabulary.verify()
            try scores.withCells { cells in
                for token in 0..<scores.count {
                    try wellFormed(cells[token].isFinite, "scores has \(cells[token]) for token \(token)")
                }
            }
        }
    }

    func encode(_ text: String) throws -> [Int32] {
        let cleaned = try reading(name) { try cleaning.clean(text) }
        var tokens: [Int] = []
        for word in cleaned.split(whereSeparator: { $0 == .ascii(" ") || breaks.contains($0) }) {
            for part in word.split(separator: spaceMark, omittingEmptySubsequences: false).enumerated()
            where part.offset > 0 || !part.element.isEmpty {  // a word that begins with the mark gets no other
                if tokens.count >= frame.room { return frame.ids(tokens) }
                tokens += best(utf8([spaceMark] + part.element))
            }
        }
        return frame.ids(tokens)
    }

    /// The best way to a byte of a word: the sum of its scores, and its last piece with where it starts.
    private struct Way {
        var sum: Double
        var start: Int
        var token: Int
    }

    /// The first found of equal sums. Unknown tokens side by side are one.
    private func best(_ word: [UInt8]) -> [Int] {
        var ways = [Way](
            repeating: Way(sum: -.infinity, start: 0, token: frame.unknownToken), count: word.count + 1)
        ways[0].sum = 0
        func offer(_ start: Int, _ end: Int, _ score: Double, _ token: Int) {
            let sum = ways[start].sum + score
            if sum > ways[end].sum { ways[end] = Way(sum: sum, start: start, token: token) }
        }
        var start = 0
        while start < word.count {
            let width = min(utf8Width(word[start]), word.count - start)
            var isPiece = false
            vocabulary.matches(word, from: start) { token, length in
                offer(start, start + length, Double(scores[token]), token)
                isPiece = isPiece || length == width
            }
            if !isPiece { offer(start, start + width, unknownScore, frame.unknownToken) }
            start += width
        }
        var tokens: [Int] = []
        var end = word.count
        while end > 0 {  // from the end to the start
            let way = ways[end]
            if way.token != frame.unknownToken || tokens.last != way.token { tokens.append(way.token) }
            end = way.start
        }
        return tokens.reversed()
    }

    /// A finite decimal number of the metadata.
    private static func score(_ container: Container, _ key: String) throws -> Double {
        let written = try container.text(key)
        guard written.unicodeScalars.allSatisfy({ $0.value.isASCIIDigit || "+-.eE".unicodeScalars.contains($0) }),
            let score = Double(written), score.isFinite
        else { throw Malformed("\(key) is \(shown(written)), no finite number") }
        return score
    }
}
