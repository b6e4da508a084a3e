import SwiftUI

/// In the middle of the space that there is; scrolls where large type needs more.
struct Centred<Content: View>: View {
    @ViewBuilder let content: Content

    var body: some View {
        ViewThatFits(in: .vertical) {
            content.frame(maxHeight: .infinity)
            ScrollView { content }
        }
    }
}
