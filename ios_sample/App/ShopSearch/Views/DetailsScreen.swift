import MobileCLIPShop
import SwiftUI

/// One product, and the way to more like it. Who has looked at it finds it in Spotlight.
struct DetailsScreen: View {
    let id: String
    let match: ShopCard.Match?
    @State private var answer: Result<ShopCard, ShopProblem>?
    @Environment(ShopKeeper.self) private var keeper

    var body: some View {
        VStack {
            switch answer {
            case nil: BusyView(title: "Loading…")
            case .failure(let problem): FailureView(problem: problem) { Task { await load() } }
            case .success(let card): details(card)
            }
        }
        .navigationTitle("Product").navigationBarTitleDisplayMode(.inline)
        .task { await load() }
    }

    private func load() async {
        answer = await keeper.result { [id] in try await $0.card(id, locale: .current) }
    }

    private func details(_ card: ShopCard) -> some View {
        ScrollView {
            VStack(alignment: .leading, spacing: 12) {
                Thumbnail(card: card).frame(maxWidth: .infinity, minHeight: 160, maxHeight: 160)
                Text(verbatim: card.name).font(.title).accessibilityAddTraits(.isHeader)
                PriceText(price: card.price).font(.title3)
                if let match { MatchView(match: match) }
                Text(verbatim: card.description).textSelection(.enabled)
                ForEach(card.more, id: \.name) { LabeledContent($0.name, value: $0.text) }
                if let link = card.link { Link("Buy", destination: link).frame(minHeight: 44) }
                NavigationLink(value: Route.like(id: id, name: card.name)) {
                    Text("More like this").frame(maxWidth: .infinity, minHeight: 32)
                }
                .buttonStyle(.borderedProminent)
            }
            .frame(maxWidth: 600).padding()
        }
        .userActivity(Route.activity) { activity in
            activity.title = card.name
            activity.userInfo = ["id": card.id]
            activity.isEligibleForSearch = true
        }
    }
}
