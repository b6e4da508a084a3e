import MobileCLIPShop
import SwiftUI

/// What the words name exactly, under a heading; then the products that were found, best first, in as many columns as fit;
/// the doubtful ones come last, under another.
struct CardList: View {
    let model: SearchModel
    let cards: [ShopCard]
    let doubtful: [ShopCard]
    @Environment(Navigation.self) private var navigation

    var body: some View {
        ScrollView {
            LazyVGrid(columns: [GridItem(.adaptive(minimum: 300), alignment: .top)], alignment: .leading) {
                group("Exact matches", model.named, after: 0)
                Section { items(cards, after: model.named.count) }
                group("Less certain", doubtful, after: model.named.count + cards.count)
            }
            .padding(.horizontal)
        }
        .scrollDismissesKeyboard(.immediately)
    }

    @ViewBuilder private func group(
        _ title: LocalizedStringKey, _ cards: [ShopCard], after count: Int
    ) -> some View {
        if !cards.isEmpty {
            Section {
                items(cards, after: count)
            } header: {
                Text(title).font(.headline).accessibilityAddTraits(.isHeader)
            }
        }
    }

    private func items(_ cards: [ShopCard], after count: Int) -> some View {
        ForEach(Array(cards.enumerated()), id: \.element.id) { place, card in
            Button {
                model.chose(card, place: count + place)
                navigation.path.append(.details(id: card.id, match: card.match))
            } label: {
                CardView(card: card)
            }
            .buttonStyle(.plain)
        }
    }
}

/// A product in a list. Large type puts the words below the picture.
struct CardView: View {
    let card: ShopCard
    @Environment(\.dynamicTypeSize) private var typeSize

    var body: some View {
        let layout =
            typeSize.isAccessibilitySize
            ? AnyLayout(VStackLayout(alignment: .leading)) : AnyLayout(HStackLayout(alignment: .top, spacing: 12))
        layout {
            Thumbnail(card: card).frame(width: 96, height: 96)
            VStack(alignment: .leading, spacing: 4) {
                Text(verbatim: card.name).font(.headline)
                PriceText(price: card.price).font(.subheadline)
                if let match = card.match { MatchView(match: match) }
                Text(verbatim: card.description).font(.body).foregroundStyle(.secondary).lineLimit(3)
            }
            .frame(maxWidth: .infinity, alignment: .leading)
        }
        .padding(.vertical, 4).contentShape(.rect).accessibilityElement(children: .combine)
    }
}
