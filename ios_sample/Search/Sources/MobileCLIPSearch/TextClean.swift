/// Steps 1 to 4 of FORMATS.md's way from a text to ids, together or by themselves: fixed, HTML unescaped, white space
/// folded, lower case.
struct TextClean: Sendable {
    private static let segment = 1_000_000  // code points
    private static let spare = 16  // rounds, and code points, beyond what a text's length allows
    private static let mostGrowth = 64  // the longest value of a real table has 18 code points
    private static let escape: UInt32 = 0x1B
    private static let sigma: UInt32 = 0x3A3
    private static let smallSigma: UInt32 = 0x3C3
    private static let finalSigma: UInt32 = 0x3C2

    private let tables: TextTables
    let html: TextHtml
    let normalForm: NormalForm

    init(_ tables: TextTables) {
        self.tables = tables
        html = TextHtml(tables: tables)
        normalForm = NormalForm(tables: tables)
    }

    /// Throws ``Malformed`` where damaged tables would go on for ever.
    func clean(_ text: CodePoints) throws -> CodePoints {
        lower(foldWhiteSpace(html.unescapeLeniently(html.unescapeLeniently(try fix(text)))))
    }

    /// Line by line; from the first line with a "<" on, HTML is left alone.
    func fix(_ text: CodePoints) throws -> CodePoints {
        var fixed = CodePoints()
        var withHtml = true
        var start = 0
        while start < text.count {
            let lineEnd = text.firstIndex(of: .ascii("\n"), from: start).map { $0 + 1 } ?? text.count
            let segment = Array(text[start..<min(lineEnd, start + Self.segment)])
            start += segment.count
            withHtml = withHtml && !segment.contains(.ascii("<"))
            fixed += try fixSegment(segment, withHtml)
        }
        return fixed
    }

    /// Over and over, until a round changes nothing: one fix may uncover work for another.
    ///
    /// Lone surrogates (step 1c of FORMATS.md) cannot come up: no `String` holds one.
    private func fixSegment(_ segment: CodePoints, _ withHtml: Bool) throws -> CodePoints {
        var text = segment
        for _ in 0..<2 * segment.count + Self.spare {
            let before = text
            if withHtml { text = html.unescapeStrictly(text) }
            text = withoutEscapes(tables.fold.map(text)).filter { !tables.removed.contains($0) }
            text = normalForm.compose(text)
            if text == before { return text }
            try Self.checkGrowth(text.count, from: segment.count)
        }
        throw Malformed("its tables change a text for ever")
    }

    /// Throws ``Malformed`` for a text that only damaged tables make of one of `before` code points.
    static func checkGrowth(_ count: Int, from before: Int) throws {
        try wellFormed(count <= mostGrowth * (before + spare), "its tables let a text grow without end")
    }

    /// Without ESC [, any decimal digits and semicolons, and one ASCII letter.
    private func withoutEscapes(_ text: CodePoints) -> CodePoints {
        var kept = CodePoints()
        var position = 0
        while let start = text.firstIndex(of: Self.escape, from: position) {
            kept += text[position..<start]
            position = start + 1
            if let end = escapeEnd(text, start) { position = end } else { kept.append(Self.escape) }
        }
        return kept + text[position...]
    }

    private func escapeEnd(_ text: CodePoints, _ start: Int) -> Int? {
        guard text.at(start + 1) == .ascii("[") else { return nil }
        var end = start + 2
        while let point = text.at(end), point == .ascii(";") || tables.decimals.contains(point) { end += 1 }
        return text.at(end).map(\.isASCIILetter) ?? false ? end + 1 : nil
    }

    /// Each run of white space becomes one space; none is left at either end.
    func foldWhiteSpace(_ text: CodePoints) -> CodePoints {
        let words = text.split { tables.spaces.contains($0) || $0 == .ascii(" ") }
        return CodePoints(words.joined(separator: [.ascii(" ")]))
    }

    /// By the table, character by character; only the capital sigma looks at its neighbours first.
    func lower(_ text: CodePoints) -> CodePoints {
        var sigmas = text
        for index in text.indices where text[index] == Self.sigma {
            sigmas[index] = isFinal(text, index) ? Self.finalSigma : Self.smallSigma
        }
        return tables.lower.map(sigmas)
    }

    /// After a cased letter and not before one, case-ignorable characters between passed over.
    private func isFinal(_ text: CodePoints, _ index: Int) -> Bool {
        let before = text[..<index].last { !tables.caseIgnorable.contains($0) }
        let after = text[(index + 1)...].first { !tables.caseIgnorable.contains($0) }
        return before.map(tables.cased.contains) ?? false && !(after.map(tables.cased.contains) ?? false)
    }
}
