import Foundation

/// What turns a score into a confidence; it stands in the catalog. A raw score is never shown, and a kind of query that
/// was not measured has no confidence: nil.
public struct ScoreCalibration: Sendable {
    /// For queries by text.
    public let text: Curve
    /// For queries by image.
    public let image: Curve
    /// What it was measured on: `queries` (labelled ones), `names` (of the products), or `none`.
    public let source: String

    /// `p = 1 / (1 + exp(-(a * score + b)))`; `spread`: the standard deviation of such a query's scores.
    public struct Curve: Sendable {
        /// The slope.
        public let a: Double
        /// The shift.
        public let b: Double
        /// The standard deviation of such a query's scores.
        public let spread: Double
        /// Whether the curve was measured; else it is a guess, and its results have no confidence.
        public let measured: Bool

        func exponent(_ score: Double) -> Double { a * score + b }

        func confidence(_ score: Double) -> Double? { measured ? logistic(exponent(score)) : nil }
    }

    /// The share of a text query's results with this score that are right, 0 to 1.
    public func ofText(_ score: Double) -> Double? { text.confidence(score) }

    /// The same for an image, and for "more like this".
    public func ofImage(_ score: Double) -> Double? { image.confidence(score) }

    /// The same for text and image together, of which each that weighs something must have been measured. `slider`: 0 is
    /// the text alone, 1 the image alone.
    public func ofBoth(slider: Double, textScore: Double, imageScore: Double) -> Double? {
        guard text.measured || slider == 1, image.measured || slider == 0 else { return nil }
        return logistic(slider * image.exponent(imageScore) + (1 - slider) * text.exponent(textScore))
    }

    /// The image's weight w in `w * image + (1 - w) * text` for a place of the slider, 0 to 1.
    public func weight(slider: Double) throws -> Double {
        try require((0...1).contains(slider), "the slider stands at \(slider), expected 0 (text) to 1 (image)")
        let images = slider * text.spread
        return images / (images + (1 - slider) * image.spread)
    }
}

/// No curve comes near; within, no share is NaN and no weight 0 / 0.
private let beyond = 1e100
/// A source.
private let notMeasured = "none"
/// What older builders had not measured, and did not say so.
private let guess = (a: 10.0, b: -5.0)

extension ScoreCalibration {
    /// Throws ``Malformed``.
    init(json: String) throws {
        let members = try Json.parse(json.utf8, once: false).asObject("calibration")
        source = try members.part("source").asText("the calibration's source")
        text = try Self.curve(members, "text", source)
        image = try Self.curve(members, "image", source)
    }

    private static func curve(_ members: [String: Json], _ kind: String, _ source: String) throws -> Curve {
        let curve = try members.part(kind).asObject("the calibration of \(kind)")
        func number(_ key: String) throws -> Double {
            let found = try curve.part(key).asDouble("\(key) of the calibration of \(kind)")
            try wellFormed(abs(found) <= beyond, "\(key) of the calibration of \(kind) is \(found)")
            return found
        }
        let spread = try number("spread")
        try wellFormed(spread >= 1 / beyond, "the spread of \(kind) is \(spread)")
        let (a, b) = (try number("a"), try number("b"))
        let measured = try curve["measured"]?.asBool("'measured' of the calibration of \(kind)")
        return Curve(a: a, b: b, spread: spread, measured: measured ?? (source != notMeasured && (a, b) != guess))
    }
}

private func logistic(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
