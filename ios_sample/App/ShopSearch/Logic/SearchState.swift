/// What the search screen shows below the question.
enum SearchState: Equatable {
    /// Nothing was asked yet.
    case idle

    /// An encoder is being loaded: seconds, once.
    case preparing

    case searching

    /// The cards, best first, and those that are `doubtful`, shown below them under a heading. `unknown`: writing systems of
    /// the text that the model does not know; the same below.
    case found([Card], doubtful: [Card], unknown: [String])

    /// No product passes the filter.
    case nothing(unknown: [String])

    /// One line that names what is wrong.
    case failed(String)
}
