import Foundation

/// A JSON value. Numbers stay as they are written, so that a price loses no digit. Names that Unicode calls equivalent
/// count as one.
enum Json: Equatable {
    case object([String: Json])
    case array([Json])
    case text(String)
    case number(String)
    case bool(Bool)
    case null
    /// A list or an object as its JSON text, exactly as it is written; a list with its items.
    indirect case written(String, items: [Json]?)

    /// Parses UTF-8. `once`: refuse an object with a name twice; else the last counts. `written`: lists and objects that
    /// deep, 1 for the outermost's own, become ``written(_:items:)``. Throws ``Malformed``.
    static func parse(_ utf8: some Sequence<UInt8>, once: Bool, written: ClosedRange<Int>? = nil) throws -> Json {
        var parser = try JsonParser(utf8, once: once, written: written)
        return try parser.whole()
    }

    /// The members of an object, as they follow one another, with names of the same bytes perhaps twice. Throws
    /// ``Malformed``.
    static func members(_ utf8: [UInt8]) throws -> [(name: String, value: Json)] {
        var parser = try JsonParser(utf8, once: false, written: nil)
        return try parser.wholeObject()
    }

    func asObject(_ what: String) throws -> [String: Json] {
        guard case .object(let members) = self else { throw Malformed("\(what) is no JSON object") }
        return members
    }

    func asArray(_ what: String) throws -> [Json] {
        guard case .array(let items) = self else { throw Malformed("\(what) is no JSON list") }
        return items
    }

    func asText(_ what: String) throws -> String {
        guard case .text(let text) = self else { throw Malformed("\(what) is no text") }
        return text
    }

    func asBool(_ what: String) throws -> Bool {
        guard case .bool(let bool) = self else { throw Malformed("\(what) is neither true nor false") }
        return bool
    }

    /// A whole number, written without a fraction or an exponent.
    func asInt(_ what: String) throws -> Int {
        guard case .number(let written) = self, let value = Int(written) else {
            throw Malformed("\(what) is no whole number")
        }
        return value
    }

    /// A finite number.
    func asDouble(_ what: String) throws -> Double {
        guard case .number(let written) = self, let value = Double(written), value.isFinite else {
            throw Malformed("\(what) is no finite number")
        }
        return value
    }
}

extension [String: Json] {
    func part(_ name: String) throws -> Json {
        guard let value = self[name] else { throw Malformed("it has no \(shown(name))") }
        return value
    }
}

/// RFC 8259, strictly. A lone surrogate, which no `String` can hold, becomes U+FFFD.
private struct JsonParser {
    private static let deepest = 100  // the parser calls itself, and a phone's smaller threads have 512 KiB of stack

    private let units: [UInt16]
    private let once: Bool
    private let written: ClosedRange<Int>?
    private var at = 0

    init(_ utf8: some Sequence<UInt8>, once: Bool, written: ClosedRange<Int>?) throws {
        var units: [UInt16] = []
        let isBroken = transcode(
            utf8.makeIterator(), from: UTF8.self, to: UTF16.self, stoppingOnError: true, into: { units.append($0) })
        try wellFormed(!isBroken, "it is not UTF-8")
        self.units = units
        self.once = once
        self.written = written
    }

    mutating func whole() throws -> Json { try whole { parser in try parser.value(depth: 0) } }

    mutating func wholeObject() throws -> [(name: String, value: Json)] {
        try whole { parser in
            parser.space()
            if try parser.peek() != "{" { throw parser.wrong() }
            return try parser.pairs(0)
        }
    }

    private mutating func whole<Found>(_ read: (inout JsonParser) throws -> Found) throws -> Found {
        let found = try read(&self)
        space()
        if at < units.count { throw wrong() }
        return found
    }

    private mutating func value(depth: Int) throws -> Json {
        try wellFormed(depth < Self.deepest, "JSON nested more than \(Self.deepest) deep")
        space()
        switch try peek() {
        case "{", "[": return try nested(depth)
        case "\"": return .text(try string())
        case "t": return try literal("true", .bool(true))
        case "f": return try literal("false", .bool(false))
        case "n": return try literal("null", .null)
        case "-", "0"..."9": return try number()
        default: throw wrong()
        }
    }

    private mutating func nested(_ depth: Int) throws -> Json {
        let start = at
        let found = try peek() == "{" ? try members(depth) : try items(depth)
        guard let written, written.contains(depth) else { return found }
        let text = String(decoding: units[start..<at], as: UTF16.self)
        if case .array(let items) = found { return .written(text, items: items) }
        return .written(text, items: nil)
    }

    private mutating func members(_ depth: Int) throws -> Json {
        var found: [String: Json] = [:]
        for (name, value) in try pairs(depth) {
            let old = found.updateValue(value, forKey: name)
            try wellFormed(!once || old == nil, "the name \(shown(name)) stands twice in an object")
        }
        return .object(found)
    }

    private mutating func pairs(_ depth: Int) throws -> [(name: String, value: Json)] {
        var found: [(name: String, value: Json)] = []
        try list(until: "}") { parser in
            if try parser.peek() != "\"" { throw parser.wrong() }
            let name = try parser.string()
            parser.space()
            try parser.take(":")
            found.append((name, try parser.value(depth: depth + 1)))
        }
        return found
    }

    private mutating func items(_ depth: Int) throws -> Json {
        var found: [Json] = []
        try list(until: "]") { parser in found.append(try parser.value(depth: depth + 1)) }
        return .array(found)
    }

    /// What stands between brackets, separated by commas.
    private mutating func list(until end: Unicode.Scalar, item: (inout JsonParser) throws -> Void) throws {
        at += 1
        space()
        if try peek() == end {
            at += 1
            return
        }
        while true {
            space()
            try item(&self)
            space()
            if try peek() == end { break }
            try take(",")
        }
        at += 1
    }

    private mutating func string() throws -> String {
        var found: [UInt16] = []
        at += 1
        while true {
            let next = try peek()
            if next < " " { throw wrong() }
            if next == "\"" { break }
            if next == "\\" {
                at += 1
                found.append(try escaped())
            } else {
                found.append(units[at])
            }
            at += 1
        }
        at += 1
        return String(decoding: found, as: UTF16.self)
    }

    /// The unit that an escape stands for; ends at its last character.
    private mutating func escaped() throws -> UInt16 {
        switch try peek() {
        case "\"", "\\", "/": return units[at]
        case "b": return 0x08
        case "f": return 0x0C
        case "n": return 0x0A
        case "r": return 0x0D
        case "t": return 0x09
        case "u": return try fourDigits()
        default: throw wrong()
        }
    }

    private mutating func fourDigits() throws -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            at += 1
            let next = try peek()
            guard next.isASCII, let digit = Character(next).hexDigitValue else { throw wrong() }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private mutating func number() throws -> Json {
        let start = at
        if try peek() == "-" { at += 1 }
        if try peek() == "0" { at += 1 } else { try digits() }
        if next == "." {
            at += 1
            try digits()
        }
        if next == "e" || next == "E" {
            at += 1
            let sign = try peek()
            if sign == "+" || sign == "-" { at += 1 }
            try digits()
        }
        return .number(String(decoding: units[start..<at], as: UTF16.self))
    }

    private mutating func digits() throws {
        guard case "0"..."9" = try peek() else { throw wrong() }
        while let next, ("0"..."9").contains(next) { at += 1 }
    }

    private mutating func literal(_ word: String, _ meaning: Json) throws -> Json {
        if !units[at...].starts(with: word.utf16) { throw wrong() }
        at += word.utf16.count
        return meaning
    }

    private mutating func take(_ wanted: Unicode.Scalar) throws {
        if try peek() != wanted { throw wrong() }
        at += 1
    }

    private mutating func space() {
        while let next, next == " " || next == "\t" || next == "\n" || next == "\r" { at += 1 }
    }

    /// What stands here, U+FFFD for half a surrogate pair; nil at the end.
    private var next: Unicode.Scalar? {
        at < units.count ? Unicode.Scalar(units[at]) ?? "\u{FFFD}" : nil
    }

    private func peek() throws -> Unicode.Scalar {
        guard let next else { throw Malformed("JSON that ends too early") }
        return next
    }

    private func wrong() -> Malformed {
        let here = units[at..<min(at + 12, units.count)]
        return Malformed("no JSON at character \(at): \(shown(String(decoding: here, as: UTF16.self)))")
    }
}
