import SwiftUI

/// The whole app: the search screen, and what is pushed onto it.
struct ShopView: View {
    let keeper: ShopKeeper

    var body: some View {
        NavigationStack {
            SearchScreen(title: Text("Shop search"), model: SearchModel(keeper))
                .navigationDestination(for: Route.self) { screen($0) }
        }
    }

    @ViewBuilder private func screen(_ route: Route) -> some View {
        switch route {
        case .details(let card):
            DetailsScreen(card: card)
        case .like(let card):
            SearchScreen(
                title: Text("Like \(card.name)"), model: SearchModel(keeper, question: Question(like: card.id)))
        }
    }
}

/// A screen to be pushed.
enum Route: Hashable {
    case details(Card)
    /// Products like this one.
    case like(Card)
}
