import SwiftUI

/// The products that were found, best first.
struct CardList: View {
    let cards: [Card]

    var body: some View {
        List(cards) { card in
            NavigationLink(value: Route.details(card)) { CardView(card: card) }
        }
        .listStyle(.plain)
    }
}
