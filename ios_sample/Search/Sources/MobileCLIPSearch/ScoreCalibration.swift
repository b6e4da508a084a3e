import Foundation

/// What turns a score into a confidence; it stands in the catalog. A raw score is never shown.
public struct ScoreCalibration: Sendable {
    public let text: Curve
    public let image: Curve
    /// What it was measured on: `queries` (labelled ones), `names` (of the products), or `none`.
    public let source: String

    /// `p = 1 / (1 + exp(-(a * score + b)))`; `spread`: the standard deviation of such a query's scores.
    public struct Curve: Sendable {
        public let a: Double
        public let b: Double
        public let spread: Double

        func exponent(_ score: Double) -> Double { a * score + b }
    }

    /// The share of a text query's results with this score that are right, 0 to 1.
    public func ofText(_ score: Double) -> Double { logistic(text.exponent(score)) }

    /// The same for an image, and for "more like this".
    public func ofImage(_ score: Double) -> Double { logistic(image.exponent(score)) }

    /// The same for text and image together; `slider`: 0 is the text alone, 1 the image alone.
    public func ofBoth(slider: Double, textScore: Double, imageScore: Double) -> Double {
        logistic(slider * image.exponent(imageScore) + (1 - slider) * text.exponent(textScore))
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

extension ScoreCalibration {
    /// Throws ``Malformed``.
    init(json: String) throws {
        let members = try Json.parse(json.utf8, once: false).asObject("calibration")
        text = try Self.curve(members, "text")
        image = try Self.curve(members, "image")
        source = try members.part("source").asText("the calibration's source")
    }

    private static func curve(_ members: [String: Json], _ kind: String) throws -> Curve {
        let curve = try members.part(kind).asObject("the calibration of \(kind)")
        func number(_ key: String) throws -> Double {
            let found = try curve.part(key).asDouble("\(key) of the calibration of \(kind)")
            try wellFormed(abs(found) <= beyond, "\(key) of the calibration of \(kind) is \(found)")
            return found
        }
        let spread = try number("spread")
        try wellFormed(spread >= 1 / beyond, "the spread of \(kind) is \(spread)")
        return Curve(a: try number("a"), b: try number("b"), spread: spread)
    }
}

private func logistic(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
