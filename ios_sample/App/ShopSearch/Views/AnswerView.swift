import MobileCLIPShop
import SwiftUI

/// The lower part of the search screen: every ``SearchState`` drawn.
struct AnswerView: View {
    let model: SearchModel

    var body: some View {
        VStack(spacing: 0) { answer }
            .frame(maxWidth: .infinity, maxHeight: .infinity)
            .onChange(of: model.state) { announce(model.state) }
    }

    @ViewBuilder private var answer: some View {
        switch model.state {
        case .idle:
            MessageView(
                title: "Search by words or by picture", symbol: "magnifyingglass",
                detail: "Describe what you would like, show a picture of it, or both. Nothing leaves your device.")
        case .preparing where !model.named.isEmpty, .searching where !model.named.isEmpty:
            ProgressView().padding()
            CardList(model: model, cards: [], doubtful: [])
        case .preparing:
            BusyView(title: "Preparing the search…", detail: "This takes a moment, the first time only.")
        case .fetching(let progress):
            BusyView(title: "Loading…", progress: progress)
        case .searching:
            BusyView(title: "Searching…")
        case .found(let cards, let doubtful, let unknown):
            ScriptNote(unknown: unknown)
            CardList(model: model, cards: cards, doubtful: doubtful)
        case .nothing(let unknown):
            ScriptNote(unknown: unknown)
            MessageView(
                title: "No match", symbol: "questionmark.circle",
                detail: "Try other words, another picture, or all categories.")
        case .failed(let problem):
            FailureView(problem: problem) { model.retry() }
        }
    }
}
