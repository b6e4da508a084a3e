import SwiftUI

/// A few words instead of products.
struct MessageView: View {
    let title: LocalizedStringKey
    let symbol: String
    let detail: LocalizedStringKey

    var body: some View {
        Centred {
            ContentUnavailableView(title, systemImage: symbol, description: Text(detail))
        }
    }
}
