import SwiftUI

/// Has VoiceOver say what has come about; a search that has only begun needs no word.
@MainActor func announce(_ state: SearchState) {
    let words: String? =
        switch state {
        case .idle, .searching: nil
        case .preparing: String(localized: "Preparing the search…")
        case .found(let cards, let doubtful, _): String(localized: "\(cards.count + doubtful.count) products")
        case .nothing: String(localized: "No match")
        case .failed: String(localized: "That did not work")
        }
    if let words { UIAccessibility.post(notification: .announcement, argument: words) }
}
