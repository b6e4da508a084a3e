package shop.mobileclip.android

import kotlinx.coroutines.suspendCancellableCoroutine
import shop.mobileclip.search.SearchHit
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.SearchRequest
import shop.mobileclip.search.Searcher
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/**
 * What [request] finds, best first. Suspends: the work is done by the searcher's executor. A job that is cancelled cancels
 * the search. Throws what failed ([shop.mobileclip.search.ErrorKind.of] tells which kind it is).
 */
public suspend fun Searcher.find(request: SearchRequest): List<SearchHit> = suspendCancellableCoroutine { waiting ->
    val running = search(request) { outcome ->
        when (outcome) {
            is SearchOutcome.Found -> waiting.resume(outcome.hits)
            is SearchOutcome.Failed -> waiting.resumeWithException(outcome.error)
            SearchOutcome.Cancelled -> waiting.cancel()
        }
    }
    waiting.invokeOnCancellation { running.cancel() }
}
