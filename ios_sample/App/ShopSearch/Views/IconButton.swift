import SwiftUI

/// A symbol to touch, 44 points at least: what a finger needs. Its title is for VoiceOver, and for large type, which makes
/// the symbol larger up to a point and shows both on a long touch.
struct IconButton: View {
    let title: LocalizedStringKey
    let symbol: String
    let action: @MainActor () -> Void

    var body: some View {
        Button(action: action) {
            Label(title, systemImage: symbol)
                .labelStyle(.iconOnly)
                .imageScale(.large)
                .frame(minWidth: 44, minHeight: 44)
        }
        .dynamicTypeSize(...DynamicTypeSize.xxxLarge)
        .accessibilityShowsLargeContentViewer()
    }
}
