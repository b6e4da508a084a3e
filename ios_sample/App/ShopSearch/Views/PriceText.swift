import SwiftUI

/// A price in the accent colour; nothing for a product without one.
struct PriceText: View {
    let price: String

    var body: some View {
        if !price.isEmpty { Text(verbatim: price).foregroundStyle(.tint) }
    }
}
