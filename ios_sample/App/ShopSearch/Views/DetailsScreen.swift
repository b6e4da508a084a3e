import SwiftUI

/// One product, and the way to more like it.
struct DetailsScreen: View {
    let card: Card

    var body: some View {
        ScrollView {
            VStack(alignment: .leading, spacing: 12) {
                Thumbnail(file: card.thumbnail)
                    .frame(maxWidth: .infinity, minHeight: 240, maxHeight: 240)
                Text(verbatim: card.name).font(.title)
                PriceText(price: card.price).font(.title3)
                if let match = card.match { MatchView(match: match) }
                Text(verbatim: card.description).textSelection(.enabled)
                NavigationLink(value: Route.like(card)) {
                    Text("More like this").frame(maxWidth: .infinity, minHeight: 32)
                }
                .buttonStyle(.borderedProminent)
            }
            .padding()
        }
        .navigationTitle("Product")
        .navigationBarTitleDisplayMode(.inline)
    }
}
