import Foundation

/// What a search screen shows below the question.
public enum SearchState: Equatable, Sendable {
    /// Nothing was asked yet.
    case idle

    /// An encoder is being loaded: seconds, once.
    case preparing

    /// A picture comes from elsewhere, from iCloud say.
    case fetching(Progress)

    case searching

    /// The cards, best first, and those that are `doubtful`, shown below them under a heading. `unknown`: writing systems of
    /// the text that the model does not know; the same below.
    case found([ShopCard], doubtful: [ShopCard], unknown: [String])

    /// No product passes the filter.
    case nothing(unknown: [String])

    case failed(ShopProblem)
}
