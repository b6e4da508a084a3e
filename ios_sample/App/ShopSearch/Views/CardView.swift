import SwiftUI

/// A product in a list. Large type puts the words below the picture.
struct CardView: View {
    let card: Card
    @Environment(\.dynamicTypeSize) private var typeSize

    var body: some View {
        let layout =
            typeSize.isAccessibilitySize
            ? AnyLayout(VStackLayout(alignment: .leading)) : AnyLayout(HStackLayout(alignment: .top, spacing: 12))
        layout {
            Thumbnail(file: card.thumbnail)
                .frame(width: 96, height: 96)
            VStack(alignment: .leading, spacing: 4) {
                Text(verbatim: card.name).font(.headline)
                PriceText(price: card.price).font(.subheadline)
                if let match = card.match { MatchView(match: match) }
                Text(verbatim: card.description).font(.body).foregroundStyle(.secondary).lineLimit(3)
            }
        }
        .padding(.vertical, 4)
        .accessibilityElement(children: .combine)
    }
}
