import SwiftUI

/// What went wrong, and the way to try again.
struct FailureView: View {
    let reason: String
    let retry: @MainActor () -> Void

    var body: some View {
        Centred {
            ContentUnavailableView {
                Label("That did not work", systemImage: "exclamationmark.triangle")
            } description: {
                Text(verbatim: reason)
            } actions: {
                Button("Try again", action: retry).buttonStyle(.bordered)
            }
        }
    }
}
