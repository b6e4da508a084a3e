package shop.mobileclip.app

/** What the search screen shows below the question. */
sealed interface SearchState {
    /** Writing systems of the text that the model does not know. */
    val unknown: List<String> get() = emptyList()

    /** Nothing was asked yet. */
    data object Idle : SearchState

    /** The encoders are being loaded: seconds, once. */
    data object Preparing : SearchState

    data object Searching : SearchState

    /** [cards], best first, and those that are [doubtful], shown below them under a heading. */
    data class Found(val cards: List<Card>, val doubtful: List<Card>, override val unknown: List<String>) : SearchState

    /** No product passes the filter. */
    data class Nothing(override val unknown: List<String>) : SearchState

    /** [words]: a text's id. */
    data class Failed(val words: Int) : SearchState
}
