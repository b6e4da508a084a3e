import MobileCLIPSearch
import SwiftUI

/// The picture that is searched with, small and square.
struct PicturePreview: View {
    let picture: RGBImage

    var body: some View {
        if let image = image(of: picture) {
            Image(image, scale: 1, label: Text("The picture that you search with"))
                .resizable()
                .scaledToFill()
                .frame(width: 64, height: 64)
                .clipShape(.rect(cornerRadius: 8))
        }
    }
}

private func image(of picture: RGBImage) -> CGImage? {
    guard let provider = CGDataProvider(data: Data(picture.bytes) as CFData),
        let space = CGColorSpace(name: CGColorSpace.sRGB)
    else { return nil }
    let layout = CGBitmapInfo(rawValue: CGImageAlphaInfo.none.rawValue)
    return CGImage(
        width: picture.width, height: picture.height, bitsPerComponent: 8, bitsPerPixel: 24,
        bytesPerRow: 3 * picture.width, space: space, bitmapInfo: layout, provider: provider, decode: nil,
        shouldInterpolate: true, intent: .defaultIntent)
}
