/// HTML character references: ftfy's strict reading, and the lenient one of Python's html.unescape.
struct TextHtml: Sendable {
    private static let ampersand = UInt32.ascii("&")
    private static let hash = UInt32.ascii("#")
    private static let semicolon = UInt32.ascii(";")
    private static let endsAName = Set(CodePoints("\t\n\u{0C} <&#;"))
    private static let strictLength = 24
    private static let lenientLength = 32
    private static let beyond: UInt32 = 0x110000

    let tables: TextTables

    func unescapeStrictly(_ text: CodePoints) -> CodePoints { replaced(text, strict) }

    func unescapeLeniently(_ text: CodePoints) -> CodePoints { replaced(text, lenient) }

    /// `read` is given each "&" and the text made so far; it adds what stands for it, and answers where to go on.
    private func replaced(
        _ text: CodePoints, _ read: (CodePoints, Int, inout CodePoints) -> Int
    ) -> CodePoints {
        var out = CodePoints()
        var position = 0
        while let start = text.firstIndex(of: Self.ampersand, from: position) {
            out += text[position..<start]
            position = read(text, start, &out)
        }
        return out + text[position...]
    }

    private func strict(_ text: CodePoints, _ start: Int, _ out: inout CodePoints) -> Int {
        let nameStart = text.at(start + 1) == Self.hash ? start + 2 : start + 1
        var end = nameStart
        while end - nameStart < Self.strictLength, let point = text.at(end), point.isASCIIDigit || point.isASCIILetter {
            end += 1
        }
        guard end > nameStart, text.at(end) == Self.semicolon else {
            out.append(Self.ampersand)
            return start + 1
        }
        end += 1
        let value: CodePoints?
        if let number = number(text, start + 1), number.end == end {
            let character = character(number.value)
            value = character == [Self.semicolon] ? nil : character
        } else {
            let name = Array(text[start + 1..<end])
            value = tables.html[name] ?? tables.htmlShouted[name]
        }
        out += value ?? Array(text[start..<end])
        return end
    }

    private func lenient(_ text: CodePoints, _ start: Int, _ out: inout CodePoints) -> Int {
        if let number = number(text, start + 1) {
            out += character(number.value)
            return number.end
        }
        let first = start + 1
        var end = first
        while end - first < Self.lenientLength, let point = text.at(end), !Self.endsAName.contains(point) { end += 1 }
        if end > first, text.at(end) == Self.semicolon { end += 1 }
        var knownEnd = end
        while knownEnd - first >= 2 {  // the longest first, at least two characters
            if let value = tables.html[Array(text[first..<knownEnd])] {
                out += value
                out += text[knownEnd..<end]
                return end
            }
            knownEnd -= 1
        }
        out += text[start..<end]
        return end
    }

    /// The numeric reference after "&", at most 0x110000, and its end, a ";" included.
    private func number(_ text: CodePoints, _ start: Int) -> (value: UInt32, end: Int)? {
        guard text.at(start) == Self.hash else { return nil }
        let mark = text.at(start + 1)
        let isHex = mark == .ascii("x") || mark == .ascii("X")
        let base: UInt32 = isHex ? 16 : 10
        let first = isHex ? start + 2 : start + 1
        var end = first
        var value: UInt32 = 0
        while let point = text.at(end), let digit = digit(point), digit < base {
            value = min(value * base + digit, Self.beyond)
            end += 1
        }
        guard end > first else { return nil }
        return (value, text.at(end) == Self.semicolon ? end + 1 : end)
    }

    private func character(_ number: UInt32) -> CodePoints {
        if number >= Self.beyond || (0xD800...0xDFFF).contains(number) { return [replacement] }
        return tables.charrefs[number] ?? [number]
    }

    private func digit(_ point: UInt32) -> UInt32? {
        guard point.isASCIIDigit || point.isASCIILetter, let scalar = Unicode.Scalar(point) else { return nil }
        return Character(scalar).hexDigitValue.map(UInt32.init)
    }
}
