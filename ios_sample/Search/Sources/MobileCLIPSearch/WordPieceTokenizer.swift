/// The tokenizer of the family `wordpiece` (Chinese-CLIP): the longest piece at each place of a word.
/// ``Tokenizers/load(_:sha256:vocabulary:)`` makes it.
struct WordPieceTokenizer: AssetTokenizer {
    private let name: String
    private let cleaning: CleaningSteps
    private let vocabulary: Vocabulary
    private let frame: IDFrame
    private let inner: Vocabulary.Narrowed  // the pieces that do not begin a word
    private let longestWord: Int  // characters; a longer word is unknown
    private let breaks: CodePointSet  // characters between words

    var contextLength: Int { frame.contextLength }
    var tokenCount: Int { vocabulary.count }

    init(_ name: String, _ container: Container) throws {
        self.name = name
        vocabulary = try Vocabulary(container)
        inner = try vocabulary.narrowed(by: Array(container.text("inner_prefix").utf8))
        longestWord = try IDFrame.number(container, "longest_word")
        breaks = try AssetTensors(container: container).set("breaks")
        cleaning = try CleaningSteps(container)
        frame = try IDFrame(container, vocabulary)
    }

    func verify() throws { try reading(name) { try vocabulary.verify() } }

    func encode(_ text: String) throws -> [Int32] {
        let cleaned = try reading(name) { try cleaning.clean(text) }
        var tokens: [Int] = []
        for word in cleaned.split(whereSeparator: { $0 == .ascii(" ") || breaks.contains($0) }) {
            if tokens.count >= frame.room { break }
            tokens += word.count > longestWord ? [frame.unknownToken] : pieces(utf8(word))
        }
        return frame.ids(tokens)
    }

    /// The unknown token alone where there is a place without a piece.
    private func pieces(_ word: [UInt8]) -> [Int] {
        var tokens: [Int] = []
        var start = 0
        while start < word.count {
            var longest: (token: Int, length: Int)?
            vocabulary.matches(word, from: start, after: start > 0 ? inner : nil) { longest = ($0, $1) }
            guard let longest else { return [frame.unknownToken] }
            tokens.append(longest.token)
            start += longest.length
        }
        return tokens
    }
}
