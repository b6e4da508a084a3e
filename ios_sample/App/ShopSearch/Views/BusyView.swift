import SwiftUI

/// While the shopper waits.
struct BusyView: View {
    let title: LocalizedStringKey
    var detail: LocalizedStringKey?

    var body: some View {
        Centred {
            VStack(spacing: 8) {
                ProgressView()
                Text(title).font(.headline)
                if let detail { Text(detail).foregroundStyle(.secondary) }
            }
            .multilineTextAlignment(.center)
            .padding()
            .accessibilityElement(children: .combine)
        }
    }
}
