/// A text as Unicode code points. (A `Character` or `String` would compare by canonical equivalence; ids must not.)
typealias CodePoints = [UInt32]

extension CodePoints {
    init(_ text: String) {
        self = text.unicodeScalars.map(\.value)
    }

    /// The code point there, or nil beyond the end.
    func at(_ index: Int) -> UInt32? { index < count ? self[index] : nil }

    /// The first place of `point` at or after `from`.
    func firstIndex(of point: UInt32, from: Int) -> Int? { self[from...].firstIndex(of: point) }
}

extension UInt32 {
    /// The code point of an ASCII character.
    static func ascii(_ character: Unicode.Scalar) -> UInt32 { character.value }

    var isASCIIDigit: Bool { (.ascii("0") ... .ascii("9")).contains(self) }

    var isASCIILetter: Bool {
        (.ascii("a") ... .ascii("z")).contains(self) || (.ascii("A") ... .ascii("Z")).contains(self)
    }
}

/// What stands for a character that cannot be.
let replacement: UInt32 = 0xFFFD

/// UTF-8; surrogates, which only damaged tables can leave, as three bytes.
func utf8(_ points: some Collection<UInt32>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(points.count)
    for point in points {
        func tail(_ shift: UInt32) { bytes.append(UInt8(0x80 | point >> shift & 0x3F)) }
        switch point {
        case ..<0x80: bytes.append(UInt8(point))
        case ..<0x800: bytes.append(UInt8(0xC0 | point >> 6))
        case ..<0x10000: bytes.append(UInt8(0xE0 | point >> 12))
        default: bytes.append(UInt8(0xF0 | point >> 18))
        }
        if point >= 0x10000 { tail(12) }
        if point >= 0x800 { tail(6) }
        if point >= 0x80 { tail(0) }
    }
    return bytes
}

/// How many bytes the character has whose first byte of UTF-8 this is.
func utf8Width(_ first: UInt8) -> Int {
    switch first {
    case ..<0x80: 1
    case ..<0xE0: 2
    case ..<0xF0: 3
    default: 4
    }
}
