import Foundation
import ImageIO
import MobileCLIPKit
import MobileCLIPSearch

/// Decodes a picture's file to upright sRGB, for an encoder that takes squares of `size` pixels. A large one is decoded at
/// a smaller size, its shorter side still at least four times `size`.
///
/// Not for the main thread. Throws ``SearchError/badRequest(_:)`` for what is no picture, or one of over 2^27 pixels.
func readPicture(_ file: Data, size: Int) throws -> RGBImage {
    guard let source = CGImageSourceCreateWithData(file as CFData, nil),
        let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
        let width = properties[kCGImagePropertyPixelWidth] as? Int,
        let height = properties[kCGImagePropertyPixelHeight] as? Int, width > 0, height > 0
    else { throw SearchError.badRequest("no picture that this device can read") }
    guard width <= RGBImage.mostPixels / height else {
        throw SearchError.badRequest(
            "a picture of \(width) x \(height), expected at most \(RGBImage.mostPixels) pixels")
    }
    return try RGBImage(decoding: file, longest: decodedSide(width: width, height: height, size: size))
}
