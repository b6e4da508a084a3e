#if canImport(CoreML)
    import CoreGraphics
    import Foundation
    import ImageIO
    import MobileCLIPSearch

    /// A picture's file for the screen: upright, its longer side at most `longest` pixels, a `region` of it alone; nil for what
    /// cannot be read. Not for the main thread, and not for a search: ``MobileCLIPSearch/RGBImage``.
    public func previewImage(_ file: URL, region: PictureRegion? = nil, longest: Int) -> CGImage? {
        let options: [CFString: Any] = [
            kCGImageSourceCreateThumbnailFromImageAlways: true,
            kCGImageSourceCreateThumbnailWithTransform: true,
            kCGImageSourceThumbnailMaxPixelSize: longest,
        ]
        guard let bytes = try? Data(contentsOf: file), let source = CGImageSourceCreateWithData(bytes as CFData, nil),
            let image = CGImageSourceCreateThumbnailAtIndex(source, 0, options as CFDictionary)
        else { return nil }
        guard let region else { return image }
        let (width, height) = (Double(image.width), Double(image.height))
        let part = CGRect(
            x: width * region.left, y: height * region.top, width: width * region.width, height: height * region.height)
        return image.cropping(to: part.integral)
    }
#endif
