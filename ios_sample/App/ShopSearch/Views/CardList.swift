import SwiftUI

/// The products that were found, best first; the doubtful ones come last, under a heading.
struct CardList: View {
    let cards: [Card]
    let doubtful: [Card]

    var body: some View {
        List {
            rows(cards)
            if !doubtful.isEmpty {
                Section("Less certain") { rows(doubtful) }
            }
        }
        .listStyle(.plain)
    }

    private func rows(_ cards: [Card]) -> some View {
        ForEach(cards) { card in
            NavigationLink(value: Route.details(card)) { CardView(card: card) }
        }
    }
}
