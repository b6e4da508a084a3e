import SwiftUI

/// A product's small picture, whose name stands beside it; an empty square for none.
struct Thumbnail: View {
    /// A WebP file's bytes.
    let file: Data?

    var body: some View {
        if let image = file.flatMap(UIImage.init(data:)) {
            Image(uiImage: image).resizable().scaledToFit().accessibilityHidden(true)
        } else {
            Color.clear
        }
    }
}
