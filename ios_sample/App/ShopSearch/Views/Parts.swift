import MobileCLIPShop
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
                .labelStyle(.iconOnly).imageScale(.large).frame(minWidth: 44, minHeight: 44)
        }
        .dynamicTypeSize(...DynamicTypeSize.xxxLarge)
        .accessibilityShowsLargeContentViewer()
    }
}

/// In the middle of the space that there is; scrolls where large type needs more.
struct Centred<Content: View>: View {
    @ViewBuilder let content: Content

    var body: some View {
        ViewThatFits(in: .vertical) {
            content.frame(maxWidth: .infinity, maxHeight: .infinity)
            ScrollView { content.frame(maxWidth: .infinity) }
        }
    }
}

/// While the shopper waits.
struct BusyView: View {
    let title: LocalizedStringKey
    var detail: LocalizedStringKey?
    var progress: Progress?

    var body: some View {
        Centred {
            VStack(spacing: 8) {
                if let progress { ProgressView(progress).frame(maxWidth: 240) } else { ProgressView() }
                Text(title).font(.headline)
                if let detail { Text(detail).foregroundStyle(.secondary) }
            }
            .multilineTextAlignment(.center).padding().accessibilityElement(children: .combine)
        }
    }
}

/// A few words instead of products.
struct MessageView: View {
    let title: LocalizedStringKey
    let symbol: String
    let detail: LocalizedStringKey

    var body: some View {
        Centred { ContentUnavailableView(title, systemImage: symbol, description: Text(detail)) }
    }
}

/// What went wrong, and the way to try again.
struct FailureView: View {
    let problem: ShopProblem
    let retry: @MainActor () -> Void

    var body: some View {
        Centred {
            ContentUnavailableView {
                Label("That did not work", systemImage: "exclamationmark.triangle")
            } description: {
                Text(words(problem))
            } actions: {
                Button("Try again", action: retry).buttonStyle(.bordered)
            }
        }
    }
}

/// How sure it is that a product is what was searched for, in stars and per cent.
struct MatchView: View {
    private static let most = 5
    let match: ShopCard.Match

    var body: some View {
        HStack {
            HStack(spacing: 0) {
                ForEach(1...MatchView.most, id: \.self) { Image(systemName: $0 <= match.stars ? "star.fill" : "star") }
            }
            .accessibilityElement()
            .accessibilityLabel("\(match.stars) of \(MatchView.most) stars")
            Text("\(match.percent.formatted(.percent)) match")
        }
        .font(.caption).foregroundStyle(.secondary)
    }
}

/// A price in the accent colour; nothing for a product without one.
struct PriceText: View {
    let price: String

    var body: some View {
        if !price.isEmpty { Text(verbatim: price).foregroundStyle(.tint) }
    }
}

/// A product's small picture, whose name stands beside it; an empty square for none.
struct Thumbnail: View {
    let card: ShopCard

    var body: some View {
        if let image = card.thumbnail.flatMap(UIImage.init(data:)) {
            Image(uiImage: image).resizable().scaledToFit().accessibilityHidden(true)
        } else {
            PicturePreview(file: card.picture, longest: 256).accessibilityHidden(true)
        }
    }
}
