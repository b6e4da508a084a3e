import MobileCLIPSearch

/// The box by which a shopper chooses the object in a picture, in shares of its width and height, from the upper left corner.
public struct CropBox: Codable, Hashable, Sendable {
    public static let whole = CropBox(left: 0, top: 0, right: 1, bottom: 1)
    private static let least = 0.1

    public private(set) var left: Double
    public private(set) var top: Double
    public private(set) var right: Double
    public private(set) var bottom: Double

    public var width: Double { right - left }
    public var height: Double { bottom - top }

    public enum Corner: CaseIterable, Sendable {
        case upperLeft, upperRight, lowerLeft, lowerRight

        public var isLeft: Bool { self == .upperLeft || self == .lowerLeft }
        public var isUpper: Bool { self == .upperLeft || self == .upperRight }
    }

    /// For what decodes a picture; nil for the whole.
    public var region: PictureRegion? {
        self == .whole ? nil : try? PictureRegion(left: left, top: top, width: width, height: height)
    }

    /// With a corner moved by that much; it stays within the picture, and a tenth of it away from the other side.
    public func moved(_ corner: Corner, x: Double, y: Double) -> CropBox {
        var box = self
        if corner.isLeft {
            box.left = max(min(left + x, right - Self.least), 0)
        } else {
            box.right = min(max(right + x, left + Self.least), 1)
        }
        if corner.isUpper {
            box.top = max(min(top + y, bottom - Self.least), 0)
        } else {
            box.bottom = min(max(bottom + y, top + Self.least), 1)
        }
        return box
    }

    /// Moved as a whole; it stays within the picture.
    public func moved(x: Double, y: Double) -> CropBox {
        let (x, y) = (min(max(x, -left), 1 - right), min(max(y, -top), 1 - bottom))
        return CropBox(
            left: max(left + x, 0), top: max(top + y, 0), right: min(right + x, 1), bottom: min(bottom + y, 1))
    }

    /// Larger or smaller about its middle, within the picture; a tenth of it at least.
    public func scaled(_ factor: Double) -> CropBox {
        let (x, y) = (max(width * factor, Self.least) - width, max(height * factor, Self.least) - height)
        return CropBox(
            left: max(left - x / 2, 0), top: max(top - y / 2, 0), right: min(right + x / 2, 1),
            bottom: min(bottom + y / 2, 1))
    }
}
