import SwiftUI

/// The lower part of the search screen: every ``SearchState`` drawn.
struct AnswerView: View {
    let state: SearchState
    let retry: @MainActor () -> Void

    var body: some View {
        VStack(spacing: 0) { answer }
            .frame(maxWidth: .infinity, maxHeight: .infinity)
            .onChange(of: state) { announce(state) }
    }

    @ViewBuilder private var answer: some View {
        switch state {
        case .idle:
            MessageView(
                title: "Search by words or by picture", symbol: "magnifyingglass",
                detail: "Describe what you would like, show a picture of it, or both. Nothing leaves your device.")
        case .preparing:
            BusyView(title: "Preparing the search…", detail: "This takes a moment, the first time only.")
        case .searching:
            BusyView(title: "Searching…")
        case .found(let cards, let doubtful, let unknown):
            ScriptNote(unknown: unknown)
            CardList(cards: cards, doubtful: doubtful)
        case .nothing(let unknown):
            ScriptNote(unknown: unknown)
            MessageView(
                title: "No match", symbol: "questionmark.circle",
                detail: "Try other words, another picture, or all categories.")
        case .failed(let reason):
            FailureView(reason: reason, retry: retry)
        }
    }
}
