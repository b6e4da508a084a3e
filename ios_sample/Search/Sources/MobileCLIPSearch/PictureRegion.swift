/// A part of an upright picture, in shares of its sides from 0 to 1: the object that a shopper chose. The same whatever the
/// size that the picture is decoded at.
public struct PictureRegion: Sendable, Equatable {
    /// Of its left edge.
    public let left: Double
    /// Of its upper edge.
    public let top: Double
    /// Across.
    public let width: Double
    /// Down.
    public let height: Double

    /// Throws ``SearchError/badRequest(_:)`` where the part is empty or does not lie within the picture.
    public init(left: Double, top: Double, width: Double, height: Double) throws {
        try require(
            left >= 0 && top >= 0 && width > 0 && height > 0 && left + width <= 1 + Self.slack
                && top + height <= 1 + Self.slack,
            "a part of \(width) x \(height) at \(left), \(top); expected shares of a picture's sides, 0 to 1")
        (self.left, self.top, self.width, self.height) = (left, top, width, height)
    }

    private static let slack = 1e-9  // sums of shares round
}
