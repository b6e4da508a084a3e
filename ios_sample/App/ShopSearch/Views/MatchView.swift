import SwiftUI

/// How sure it is that a product is what was searched for, in stars and per cent.
struct MatchView: View {
    let match: Card.Match

    var body: some View {
        HStack {
            HStack(spacing: 0) {
                ForEach(1...5, id: \.self) { Image(systemName: $0 <= match.stars ? "star.fill" : "star") }
            }
            .accessibilityElement()
            .accessibilityLabel("\(match.stars) of 5 stars")
            Text("\(match.percent) % match")
        }
        .font(.caption)
        .foregroundStyle(.secondary)
    }
}
