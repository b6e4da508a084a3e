import Foundation

@testable import MobileCLIPSearch

/// As ``slowlyHolds(_:_:_:)``; what was asked before is known.
@Sendable func holdsByP256(_ key: Data, _ message: Data, _ signature: Data) -> Bool {
    Verdicts.shared.verdict(sha256([key, message, signature])) { slowlyHolds(key, message, signature) }
}

private final class Verdicts: @unchecked Sendable {
    static let shared = Verdicts()
    private let lock = NSLock()
    private var known: [String: Bool] = [:]

    func verdict(_ name: String, _ make: () -> Bool) -> Bool {
        if let known = lock.withLock({ known[name] }) { return known }
        let made = make()
        lock.withLock { known[name] = made }
        return made
    }
}

/// ECDSA over P-256 with SHA-256, for tests on systems without CryptoKit: plain and slow, and for checking alone, where
/// nothing is secret. Curve and check are those of FIPS 186-4, appendix D.1.2.3 and section 6.4.
private func slowlyHolds(_ key: Data, _ message: Data, _ signature: Data) -> Bool {
    let (r, s) = (Number(signature.prefix(32)), Number(signature.suffix(32)))
    guard signature.count == 64, key.count == 91, !r.isZero, !s.isZero, r < Curve.order, s < Curve.order else {
        return false
    }
    let (x, y) = (Number(key.dropFirst(27).prefix(32)), Number(key.suffix(32)))
    let digest = stride(from: 0, to: 64, by: 2).map { place in
        let digits = sha256([message]).utf8.dropFirst(place).prefix(2)
        return UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
    }
    let order = Modulus(Curve.order)
    let inverse = order.inverse(s)
    let public_ = Point(x: x, y: y, z: Number(1))
    guard x < Curve.prime, y < Curve.prime, Curve.holds(public_) else { return false }
    let one = Curve.times(Curve.base, order.times(order.reduced(Number(digest)), inverse))
    let sum = Curve.sum(one, Curve.times(public_, order.times(r, inverse)))
    if sum.z.isZero { return false }
    let z = Curve.field.inverse(sum.z)
    return order.reduced(Curve.field.times(sum.x, Curve.field.times(z, z))) == r
}

/// 256 bits.
private struct Number: Equatable {
    private var words = SIMD4<UInt64>()  // the lowest first

    init(_ small: UInt64) { words[0] = small }

    init(_ bigEndian: some Collection<UInt8>) {
        for (place, byte) in bigEndian.reversed().enumerated() { words[place / 8] |= UInt64(byte) << (place % 8 * 8) }
    }

    init(hex: String) {
        for place in 0..<4 { words[3 - place] = UInt64(String(hex.dropFirst(16 * place).prefix(16)), radix: 16) ?? 0 }
    }

    var isZero: Bool { words == SIMD4() }

    func bit(_ place: Int) -> Bool { words[place / 64] >> (place % 64) & 1 == 1 }

    static func < (one: Number, other: Number) -> Bool {
        for place in (0..<4).reversed() where one.words[place] != other.words[place] {
            return one.words[place] < other.words[place]
        }
        return false
    }

    /// The sum, and whether it is beyond 256 bits.
    static func sum(_ one: Number, _ other: Number) -> (Number, Bool) {
        var (made, carry) = (one, false)
        for place in 0..<4 {
            let (half, first) = one.words[place].addingReportingOverflow(other.words[place])
            let (whole, second) = half.addingReportingOverflow(carry ? 1 : 0)
            (made.words[place], carry) = (whole, first || second)
        }
        return (made, carry)
    }

    static func difference(_ one: Number, _ other: Number) -> Number {
        var (made, borrow) = (one, false)
        for place in 0..<4 {
            let (half, first) = one.words[place].subtractingReportingOverflow(other.words[place])
            let (whole, second) = half.subtractingReportingOverflow(borrow ? 1 : 0)
            (made.words[place], borrow) = (whole, first || second)
        }
        return made
    }
}

/// Arithmetic modulo a prime of 256 bits, of numbers below it.
private struct Modulus {
    let prime: Number

    init(_ prime: Number) { self.prime = prime }

    func reduced(_ number: Number) -> Number { number < prime ? number : Number.difference(number, prime) }

    func sum(_ one: Number, _ other: Number) -> Number {
        let (made, isBeyond) = Number.sum(one, other)
        return isBeyond ? Number.difference(made, prime) : reduced(made)
    }

    func difference(_ one: Number, _ other: Number) -> Number {
        one < other ? Number.difference(Number.sum(one, prime).0, other) : Number.difference(one, other)
    }

    func times(_ one: Number, _ other: Number) -> Number {
        var made = Number(0)
        for place in (0..<256).reversed() {
            made = sum(made, made)
            if other.bit(place) { made = sum(made, one) }
        }
        return made
    }

    /// By Fermat's little theorem.
    func inverse(_ number: Number) -> Number {
        let exponent = Number.difference(prime, Number(2))
        var made = Number(1)
        for place in (0..<256).reversed() {
            made = times(made, made)
            if exponent.bit(place) { made = times(made, number) }
        }
        return made
    }
}

/// Jacobian: x / z^2, y / z^3; z = 0 is the point at infinity.
private struct Point {
    let x: Number
    let y: Number
    let z: Number
}

private enum Curve {
    static let prime = Number(hex: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
    static let order = Number(hex: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
    static let b = Number(hex: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    static let base = Point(
        x: Number(hex: "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        y: Number(hex: "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"), z: Number(1))
    static let infinity = Point(x: Number(1), y: Number(1), z: Number(0))
    static let field = Modulus(prime)

    /// Whether a point with z = 1 lies on the curve: y^2 = x^3 - 3 x + b.
    static func holds(_ point: Point) -> Bool {
        let (x, y) = (point.x, point.y)
        let cube = field.times(x, field.times(x, x))
        let right = field.sum(field.difference(cube, many(3, x)), b)
        return field.times(y, y) == right
    }

    static func times(_ point: Point, _ factor: Number) -> Point {
        var made = infinity
        for place in (0..<256).reversed() {
            made = twice(made)
            if factor.bit(place) { made = sum(made, point) }
        }
        return made
    }

    static func sum(_ one: Point, _ other: Point) -> Point {
        if one.z.isZero { return other }
        if other.z.isZero { return one }
        let (first, second) = (field.times(one.z, one.z), field.times(other.z, other.z))
        let (u1, u2) = (field.times(one.x, second), field.times(other.x, first))
        let s1 = field.times(one.y, field.times(second, other.z))
        let s2 = field.times(other.y, field.times(first, one.z))
        if u1 == u2 { return s1 == s2 ? twice(one) : infinity }
        let (width, height) = (field.difference(u2, u1), field.difference(s2, s1))
        let square = field.times(width, width)
        let (cube, middle) = (field.times(square, width), field.times(u1, square))
        let x = field.difference(field.difference(field.times(height, height), cube), many(2, middle))
        let y = field.difference(field.times(height, field.difference(middle, x)), field.times(s1, cube))
        return Point(x: x, y: y, z: field.times(width, field.times(one.z, other.z)))
    }

    static func twice(_ point: Point) -> Point {
        if point.z.isZero || point.y.isZero { return infinity }
        let (square, depth) = (field.times(point.y, point.y), field.times(point.z, point.z))
        let slope = many(3, field.times(field.difference(point.x, depth), field.sum(point.x, depth)))
        let middle = many(4, field.times(point.x, square))
        let x = field.difference(field.times(slope, slope), many(2, middle))
        let y = field.difference(
            field.times(slope, field.difference(middle, x)), many(8, field.times(square, square)))
        return Point(x: x, y: y, z: many(2, field.times(point.y, point.z)))
    }

    private static func many(_ count: Int, _ number: Number) -> Number {
        (1..<count).reduce(number) { sum, _ in field.sum(sum, number) }
    }
}
